import type { Check } from '../check.ts';
import { type AgentAnswer, askHealth } from './ask-health.ts';
import { type AgentEvidence, judgeAgent } from './judge-agent.ts';

/** Whether the agent runs, and what it says of itself. */
export const agent: Check<AgentEvidence> = {
  id: 'agent',
  title: 'agent',
  observe: async (scene) => {
    const file = scene.agentFile();
    const subnetFile = scene.subnetFile();
    const isExpected = file.isThere || (subnetFile.kind === 'read' && subnetFile.env.bootId !== undefined);
    const answers: AgentAnswer[] = [];
    for (const api of file.api.filter((where) => where !== 'none')) answers.push(await askHealth(api));
    return { file, isExpected, answers };
  },
  judge: judgeAgent,
};
