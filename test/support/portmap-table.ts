import { statSync } from 'node:fs';
import { recordsDirectory } from '../../lib/rules/records.ts';
import { tryInside } from './process.ts';
import type { Rig } from './rig.ts';

type NftBody = { readonly table?: string; readonly name?: string; readonly elem?: readonly unknown[] };

async function listPortmapTable(rig: Rig): Promise<readonly Record<string, NftBody>[]> {
  const { status, stdout } = await tryInside(
    rig.host,
    'nft',
    '-j',
    'list',
    'table',
    'inet',
    'fairlead_portmap',
  );
  return status === 0 ? JSON.parse(stdout).nftables : [];
}

/** The elements that carry an attachment's name, each as `map: element`. */
export async function ownElements(rig: Rig): Promise<readonly string[]> {
  const objects = await listPortmapTable(rig);
  const sets = objects.flatMap(({ map, set }) => map ?? set ?? []);
  return sets.flatMap(({ name, elem }) =>
    (elem ?? []).map((each) => `${name}: ${JSON.stringify(each)}`).filter((text) => text.includes('comment')),
  );
}

/** The number of rules, and of chains of attachments' own. */
export async function countRules(rig: Rig): Promise<{ rules: number; ownChains: number }> {
  const objects = await listPortmapTable(rig);
  return {
    rules: objects.filter(({ rule }) => rule !== undefined).length,
    ownChains: objects.filter(({ chain }) => chain?.name?.startsWith('own_')).length,
  };
}

/** Where the rules of the rig's host are recorded. */
export function recordsOf(rig: Rig): string {
  return `${recordsDirectory}/${statSync(`/run/netns/${rig.host}`).ino}`;
}
