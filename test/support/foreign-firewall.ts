import { readdirSync, rmSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { recordsDirectory } from '../../lib/rules/records.ts';
import { mustInside } from './process.ts';
import type { Rig } from './rig.ts';

/** Where attachments of this host have the records of their rules. */
export function recordsOf({ host }: Rig): string {
  return `${recordsDirectory}/${statSync(`/run/netns/${host}`).ino}`;
}

/** The names of the records that there are. */
export function recordNames(rig: Rig): readonly string[] {
  return readdirSync(recordsOf(rig)).filter((name) => name.endsWith('.json'));
}

/** Takes the records away with the host that they are of. */
export function removeRecords(rig: Rig): Disposable {
  const directory = recordsOf(rig);
  return { [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}

type Listed = Readonly<Record<string, { readonly table?: string; readonly elem?: unknown }>>;

/** All that tables of ours have on the host, comparable with what they had before. */
export async function ourRules({ host }: Rig): Promise<readonly string[]> {
  const text = await mustInside(host, 'nft', '-j', '-s', 'list', 'ruleset');
  const { nftables }: { nftables: readonly Listed[] } = JSON.parse(text);
  return nftables
    .flatMap((object) => Object.entries(object))
    .filter(([kind, { table = '' }]) => kind !== 'metainfo' && table.startsWith('fairlead'))
    .map(([kind, { elem, ...body }]) => JSON.stringify([kind, { ...body, handle: undefined }, sorted(elem)]))
    .sort();
}

function sorted(elements: unknown): unknown {
  return Array.isArray(elements) ? elements.map((each) => JSON.stringify(each)).sort() : elements;
}

/** How long it takes until something holds, in ms; at most 30 s. */
export async function msUntil(holds: () => Promise<boolean>): Promise<number> {
  const began = performance.now();
  while (!(await holds())) {
    if (performance.now() - began > 30_000) throw new Error('waited 30 s');
    await sleep(20);
  }
  return Math.round(performance.now() - began);
}
