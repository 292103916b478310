import type { BgpStatus } from '../../routing/bgp-status.ts';
import { defaultBirdSocket } from '../../routing/settings.ts';
import type { Check } from '../check.ts';
import { askAgent } from './ask-agent.ts';
import { type BirdEvidence, judgeBird } from './judge-bird.ts';

/** Whether BIRD answers, and has its sessions. */
export const bird: Check<BirdEvidence | undefined> = {
  id: 'bgp',
  title: 'BIRD',
  observe: async (scene) => {
    const { hasBlocks, birdSocket } = scene.agentFile();
    // Without a configuration to be read, the agent itself is asked what it does.
    if (!hasBlocks && scene.endpoints().length === 0) return undefined;
    const bgp = await askAgent<BgpStatus>(scene, '/v1/bgp');
    return bgp === undefined ? undefined : { bgp, socket: birdSocket ?? defaultBirdSocket };
  },
  judge: judgeBird,
};
