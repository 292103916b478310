import { readFallbacks } from '../../resident/fallbacks.ts';
import { callSocketPath, fallbacksPath } from '../../resident/places.ts';
import type { CniStatus, FallbackCount } from '../../resident/status.ts';
import { Tally } from '../../resident/tally.ts';
import { whereWeAre } from '../../resident/where.ts';
import { Unseen } from '../ask.ts';
import type { Check } from '../check.ts';
import { askAgent } from '../routed/ask-agent.ts';
import type { Scene } from '../scene.ts';
import { askHello, type CallSocketAnswer } from './ask-hello.ts';
import { judgeResident, type ResidentEvidence } from './judge-resident.ts';
import { observeClients } from './seen-clients.ts';

/** Whether calls of installed clients reach the agent, and why not. */
export const resident: Check<ResidentEvidence> = {
  id: 'resident',
  title: 'path of CNI calls',
  observe: async (scene) => {
    const socket = await seekSocket(scene);
    return {
      clients: observeClients(scene.pluginDir),
      socketPath: callSocketPath,
      socket,
      here: whereWeAre(),
      isConfigured: scene.agentFile().servesCalls,
      fallbacks: socket.kind === 'greeted' ? await recentFallbacks(scene) : [],
    };
  },
  judge: judgeResident,
};

/** The agent talks to nobody else, and logs who has tried. */
async function seekSocket({ isRoot }: Scene): Promise<CallSocketAnswer> {
  if (isRoot) return await askHello(callSocketPath);
  throw new Unseen('only root may ask the agent: run it as root');
}

const recentMs = 3_600_000;

async function recentFallbacks(scene: Scene): Promise<readonly FallbackCount[]> {
  const known = await countedFallbacks(scene).catch(notedFallbacks);
  return known.filter(({ lastAtMs }) => lastAtMs > Date.now() - recentMs);
}

async function countedFallbacks(scene: Scene): Promise<readonly FallbackCount[]> {
  return (await askAgent<CniStatus>(scene, '/v1/cni'))?.fallbacks ?? [];
}

/** What is not counted yet: the agent cannot be asked. */
function notedFallbacks(): readonly FallbackCount[] {
  const tally = new Tally();
  for (const fallback of readFallbacks(fallbacksPath)) tally.addFallback(fallback);
  return tally.fallbacks;
}
