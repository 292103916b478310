import type { Family } from '../../net/address.ts';
import { leasedFamilies } from '../table/pool.ts';
import { wishesOf } from './decide-taking.ts';
import type { Standing } from './standing.ts';
import { isIn } from './underlay.ts';

/** What keeps a host that has nothing more to do from having enough, in words for the operator. */
export function shortages(standing: Standing): readonly string[] {
  const { table } = standing;
  if (table.pools.size === 0) return ['there is no pool in etcd: write one below pools/'];
  return leasedFamilies([...table.pools.values()]).flatMap((family) => shortageOf(family, standing));
}

function shortageOf(family: Family, standing: Standing): readonly string[] {
  const { settings, mayTake, own, table, underlay } = standing;
  const free = standing.free[family];
  const isComing =
    own.blocks.some(
      ({ state, cidr }) => state === 'pending' && cidr.address.family === family && !isIn(underlay, cidr),
    ) || wishesOf(family, standing).some(({ node }) => table.alive.has(node));
  if (free >= settings.spare || isComing || !mayTake) return [];
  return [
    `IPv${family}: this host has ${free} free addresses, fewer than the ${settings.spare} that it keeps: no pool has a ` +
      'block left, and no other host can lend; add a pool, or release hosts that are gone for good',
  ];
}
