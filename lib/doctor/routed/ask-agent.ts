import { Connection } from '../../client/connection.ts';
import { AgentFailure } from '../../client/errors.ts';
import { Unseen } from '../ask.ts';
import type { Scene } from '../scene.ts';

const patienceMs = 5_000;
const notFound = 404;

/**
 * What the agent of this host says at a path of its API, which is of this release.
 * @returns undefined where it has nothing of that kind
 * @throws Unseen where no agent answers
 */
export async function askAgent<Answer>(
  { agentFile }: Pick<Scene, 'agentFile'>,
  path: string,
): Promise<Answer | undefined> {
  // Over TCP a token is needed, which the doctor has not.
  const api = agentFile().api.find((where) => where.startsWith('unix:'));
  if (api === undefined) throw new Unseen('the agent has no Unix socket to be asked by');
  using connection = new Connection({ api });
  try {
    const signal = AbortSignal.timeout(patienceMs);
    return (await connection.ask({ method: 'GET', path, signal })) as Answer;
  } catch (error) {
    if (!(error instanceof AgentFailure)) throw error;
    if (error.status === notFound) return undefined;
    throw new Unseen(error.message);
  }
}
