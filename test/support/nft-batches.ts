import { writeFileSync } from 'node:fs';
import type { NftOperation } from '../../lib/nft/operation.ts';
import { renderNft } from '../../lib/nft/render.ts';
import { must, mustInside } from './process.ts';
import type { Rig } from './rig.ts';

/** What a process in a namespace is to carry out, one transaction after the other. */
export type NftOrder = {
  readonly way: 'shortcut' | 'nft';
  readonly batches: readonly (readonly NftOperation[])[];
  /** Path of another namespace, in which the process carries them out. */
  readonly elsewhere?: string;
  /** How often all of them. */
  readonly times: number;
};

/** The ways there are. */
export const ways: readonly NftOrder['way'][] = ['nft', 'shortcut'];

/** What came of one transaction. */
export type NftAnswer = {
  /** How many processes it has taken. */
  readonly processes: number;
  readonly tookMs: number;
  /** Message and details of the CniError. */
  readonly error?: string;
};

/** What came of an order. */
export type NftReport = {
  /** Of the last time. */
  readonly answers: readonly NftAnswer[];
  /** Of all times. */
  readonly sum: { readonly processes: number; readonly errors: number };
  /** Of many times, when 50 were over. */
  readonly before: Consumption;
  readonly after: Consumption;
};

type Consumption = { readonly files: number; readonly bytes: number };

const program = `${import.meta.dirname}/nft-process.ts`;
let orders = 0;

/** Has transactions carried out in a namespace of a rig, without the permission to where `isPowerless`. */
export async function carryOutIn(
  rig: Rig,
  netns: string,
  { isPowerless = false, ...order }: Omit<NftOrder, 'times'> & { times?: number; isPowerless?: boolean },
): Promise<NftReport> {
  orders += 1;
  const path = `${rig.dir}/order-${orders}.json`;
  writeFileSync(path, JSON.stringify({ times: 1, ...order }));
  const command = [process.execPath, '--no-warnings', program, path];
  const powerless = ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'];
  return JSON.parse(await mustInside(netns, ...(isPowerless ? powerless : []), ...command));
}

/** A namespace for either way with the same in it. */
export async function openBoth(
  rig: Rig,
  standing: readonly NftOperation[],
): Promise<Readonly<Record<NftOrder['way'], string>>> {
  const names = { nft: await rig.namespace('nft'), shortcut: await rig.namespace('shortcut') };
  for (const way of ways) await writeInto(names[way], standing);
  return names;
}

/** Has nft write operations into a namespace. */
export async function writeInto(netns: string, operations: readonly NftOperation[]): Promise<void> {
  const script = renderNft(operations).join('\n');
  await must('nsenter', [`--net=/run/netns/${netns}`, 'nft', '-f', '-'], `${script}\n`);
}

/** All that a namespace has, without what no two have in common: handles, and the order of what is hashed. */
export async function rulesetOf(netns: string): Promise<unknown> {
  const listing = JSON.parse(await mustInside(netns, 'nft', '-j', 'list', 'ruleset'));
  return withoutHandles(listing);
}

function withoutHandles(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutHandles);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value)
    .filter(([name]) => name !== 'handle')
    .map(([name, field]) => [name, name === 'elem' ? sorted(field) : withoutHandles(field)]);
  return Object.fromEntries(fields);
}

/** An element that has more to it than its key is an object itself. */
function sorted(field: unknown): unknown {
  if (!Array.isArray(field)) return withoutHandles(field);
  return field.toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
}
