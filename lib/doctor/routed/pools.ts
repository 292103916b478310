import type { Check } from '../check.ts';
import { judgePools, type PoolsEvidence } from './judge-pools.ts';
import { listPools } from './seen-pools.ts';
import { listWays } from './seen-ways.ts';

/** Whether somebody else leads packets for the cluster's addresses elsewhere. */
export const pools: Check<PoolsEvidence | undefined> = {
  id: 'pools',
  title: "routes of the cluster's addresses",
  observe: async (scene) => {
    const endpoints = scene.endpoints();
    if (!scene.agentFile().hasBlocks && endpoints.length === 0) return undefined;
    const seen = await listPools(scene);
    if (seen === undefined) return undefined;
    return {
      pools: seen,
      endpoints: new Set(endpoints.map(({ name }) => name)),
      links: scene.links(),
      ways: listWays(scene.machine),
    };
  },
  judge: judgePools,
};
