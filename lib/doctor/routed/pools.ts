import type { IpamStatus } from '../../blocks/status.ts';
import { parseCidr } from '../../net/cidr.ts';
import type { Check } from '../check.ts';
import { askAgent } from './ask-agent.ts';
import { judgePools, type PoolsEvidence, type SeenPool } from './judge-pools.ts';
import { listWays } from './seen-ways.ts';

/** Whether somebody else leads packets for the cluster's addresses elsewhere. */
export const pools: Check<PoolsEvidence | undefined> = {
  id: 'pools',
  title: "routes of the cluster's addresses",
  observe: async (scene) => {
    const endpoints = scene.endpoints();
    if (!scene.agentFile().hasBlocks && endpoints.length === 0) return undefined;
    const ipam = await askAgent<IpamStatus>(scene, '/v1/ipam');
    if (ipam === undefined) return undefined;
    return {
      pools: ipam.pools.flatMap(toSeenPool),
      endpoints: new Set(endpoints.map(({ name }) => name)),
      ways: listWays(scene.machine),
    };
  },
  judge: judgePools,
};

function toSeenPool({ name, cidr: text, blockLength }: IpamStatus['pools'][number]): readonly SeenPool[] {
  const cidr = parseCidr(text);
  return cidr === undefined ? [] : [{ name, cidr, blockLength }];
}
