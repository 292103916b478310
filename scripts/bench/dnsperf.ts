import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { toolPath } from './call.ts';

/** How a DNS server on the loopback of a network namespace is asked, over and over. */
export type Load = {
  /** The namespace's name. */
  readonly netns: string;
  readonly port: number;
  /** A file with a name and a type in each line. */
  readonly queries: string;
  readonly seconds: number;
  /** Queries a second; undefined: as many as come back. */
  readonly rate?: number;
  readonly interruption: AbortSignal;
};

/** What became of the queries. */
export type LoadOutcome = {
  readonly perSecond: number;
  readonly completed: number;
  /** From a query to its answer, in milliseconds and in the order of the answers; only with a rate. */
  readonly latenciesMs: readonly number[];
};

/** So many sockets, as if so many asked; and queries of all together that wait for their answer at most. */
const clients = 20;
const outstanding = 100;

/**
 * Asks by dnsperf.
 * @throws Error unless every answer there was is one with data: a server that refuses is quick
 */
export async function runDnsperf(load: Load): Promise<LoadOutcome> {
  const { netns, queries, seconds, interruption } = load;
  const output = `${queries}.outcome`;
  await execa('ip', ['netns', 'exec', netns, ...intoFile, output, 'dnsperf', ...argsOf(load)], {
    env: { PATH: toolPath },
    timeout: (seconds + 20) * 1_000,
    killSignal: 'SIGKILL',
    cancelSignal: interruption,
  });
  return readOutcome(readFileSync(output, 'utf8'));
}

/** A pipe would have to be read meanwhile, and dnsperf would wait for its reader. */
const intoFile = ['sh', '-c', 'exec "$@" > "$0"'];

function argsOf({ port, queries, seconds, rate }: Load): readonly string[] {
  const limits = ['-l', `${seconds}`, '-c', `${clients}`, '-q', `${outstanding}`];
  const paced = rate === undefined ? [] : ['-Q', `${Math.round(rate)}`, '-v'];
  return ['-s', '127.0.0.1', '-p', `${port}`, '-d', queries, ...limits, ...paced];
}

function readOutcome(text: string): LoadOutcome {
  const completed = numberAfter('Queries completed:', text);
  if (completed === 0 || numberAfter('Response codes: +NOERROR', text) !== completed) {
    throw new Error(`a DNS server has given other answers than it should\n${text.slice(-1_000)}`);
  }
  return {
    completed,
    perSecond: numberAfter('Queries per second:', text),
    latenciesMs: [...text.matchAll(/^> .* (\d+\.\d+)$/gm)].map(([, seconds]) => Number(seconds) * 1_000),
  };
}

function numberAfter(what: string, text: string): number {
  return Number(new RegExp(`${what} +([\\d.]+)`).exec(text)?.[1]);
}
