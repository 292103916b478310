import type { CniCounts } from '../../lib/resident/status.ts';
import type { CallAgent } from './call-agent.ts';

/**
 * Calls that clients have executed instead say nothing of the agent. On a busy machine a call of many at once may lose
 * patience before it has begun; that is told, and no more.
 * @param mayFallBack how many calls are to be executed by their client
 * @returns how many calls were served
 * @throws Error where others were executed
 */
export async function requireServed(agent: CallAgent, mayFallBack = 0): Promise<number> {
  const { served, fallbacks } = countsOf(await agent.status());
  const [impatient, others] = [fallbacks.filter(isImpatient), fallbacks.filter((each) => !isImpatient(each))];
  if (impatient.length > 0)
    console.log(`${impatient.length} calls have not waited for a worker; ${served} were served`);
  if (others.length > mayFallBack || impatient.length > served)
    throw new Error(
      `calls were not served by the agent, but ${served}: ${fallbacks.join(' ')}\n${agent.log}`,
    );
  return served;
}

/** Which way calls went, as the agent has counted. */
type CallCounts = {
  /** Those that its workers have carried out. */
  readonly served: number;
  /** The reasons for which calls were executed by their client, one for each. */
  readonly fallbacks: readonly string[];
};

function countsOf({ calls, fallbacks }: CniCounts): CallCounts {
  const served = calls.filter(({ path }) => path === 'resident');
  return {
    served: served.reduce((sum, { count }) => sum + count, 0),
    fallbacks: fallbacks.flatMap(({ reason, count }) => Array<string>(count).fill(reason)),
  };
}

function isImpatient(reason: string): boolean {
  return reason === 'silent';
}
