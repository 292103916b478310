import type { Command } from 'commander';
import { type Ask, Connection } from '../../lib/client/connection.ts';

/** Where the agent's API is unless somebody says so. */
const defaultApi = 'unix:/run/fairlead/api.sock';

/** How a command finds the agent, and how it prints. */
export type AgentOptions = { readonly api: string; readonly token?: string; readonly json?: true };

export function withAgentOptions(command: Command): Command {
  return command
    .option('--api <where>', "the agent's API: unix:/path, or a URL", defaultApi)
    .option('--token <text>', 'for an API over TCP')
    .option('--json', 'print JSON');
}

/** What is asked, and how long the answer may take, in milliseconds. */
export type Question = Pick<Ask, 'method' | 'path'> & { readonly patienceMs?: number };

/** The agent's answer, which is of this release. @throws AgentFailure where no agent answers, or it refuses */
export async function askAgent<Answer>(
  { api, token }: AgentOptions,
  { method, path, patienceMs = 5_000 }: Question,
): Promise<Answer> {
  using connection = new Connection({ api, ...(token === undefined ? {} : { token }) });
  const signal = AbortSignal.timeout(patienceMs);
  return (await connection.ask({ method, path, signal })) as Answer;
}
