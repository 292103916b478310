import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { NetnsProcess, type Place } from './netns-process.ts';
import type { Rig } from './rig.ts';

/** How long a daemon may take until it serves. */
const readyMs = 20_000;

/** What is kept of what it has said, in lines: enough to tell why it has ended. */
const mostLines = 20;

/** A server, where it runs, and how to tell that it does. */
export type DaemonOptions = {
  readonly place: Place;
  readonly argv: readonly string[];
  /** The line on stderr by which it says that it serves. */
  readonly readyLine: RegExp;
};

/** A server that runs until its rig goes, or until it is disposed of. */
export type Daemon = AsyncDisposable & {
  readonly pid: number;
  /** @throws Error with its last lines where it has ended by itself */
  readonly requireAlive: () => void;
};

/** Starts a server in a host's namespace. @throws Error with its last lines where it does not come to serve */
export async function startDaemon(rig: Rig, { place, argv, readyLine }: DaemonOptions): Promise<Daemon> {
  const { interruption } = rig;
  const server = rig.own(
    new NetnsProcess({ place, argv, stdio: ['ignore', 'ignore', 'pipe'], interruption }),
  );
  const { child, ended } = server;
  const lines: string[] = [];
  const ready = Promise.withResolvers<void>();
  createInterface({ input: child.stderr ?? process.stdin }).on('line', (line) => {
    if (lines.push(line) > mostLines) lines.shift();
    if (readyLine.test(line)) ready.resolve();
  });
  const fail = (what: string) => new Error(`${argv.join(' ')} ${what}\n${lines.join('\n')}`);
  const late = setTimeout(readyMs, undefined, { signal: ended }).catch(() => undefined);
  await Promise.race([ready.promise, late.then(() => Promise.reject(fail('does not come to serve')))]);
  return {
    pid: child.pid ?? Number.NaN,
    requireAlive: () => {
      if (ended.aborted) throw fail('has ended by itself');
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
