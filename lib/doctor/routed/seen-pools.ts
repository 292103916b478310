import type { IpamStatus, PoolStatus } from '../../blocks/status.ts';
import type { Pool } from '../../blocks/table/pool.ts';
import { parseCidr } from '../../net/cidr.ts';
import type { Scene } from '../scene.ts';
import { askAgent } from './ask-agent.ts';

/** What of a pool of the cluster's addresses is to be known. */
export type SeenPool = Pick<Pool, 'name' | 'cidr' | 'blockLength'>;

/**
 * Those that the agent of this host knows.
 * @returns undefined where this host has no part in the cluster's addresses
 * @throws Unseen where no agent answers
 */
export async function listPools(scene: Scene): Promise<readonly SeenPool[] | undefined> {
  const ipam = await askAgent<IpamStatus>(scene, '/v1/ipam');
  return ipam?.pools.flatMap(toSeenPool);
}

function toSeenPool({ name, cidr: text, blockLength }: PoolStatus): readonly SeenPool[] {
  const cidr = parseCidr(text);
  return cidr === undefined ? [] : [{ name, cidr, blockLength }];
}
