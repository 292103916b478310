import { readdirSync, readFileSync, statSync } from 'node:fs';
import { workerCommand } from '../../lib/resident/places.ts';
import type { CallPlace } from './call-place.ts';

/** What a worker uses of the machine. */
export type WorkerUsage = { readonly pid: number; readonly residentKb: number; readonly descriptors: number };

/** The workers that an agent has; none where it has ended. */
export function workersOf(agent: number): readonly number[] {
  return childrenOf(agent).filter(isWorker);
}

/** What a process has started and not waited for yet; none where it has ended. */
export function childrenOf(pid: number): readonly number[] {
  const children = orUndefined(() => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')) ?? '';
  return children.split(' ').map(Number).filter(Boolean);
}

/** Whether a process lives and is a worker. */
export function isWorker(pid: number): boolean {
  return wordsOf(pid).includes(workerCommand);
}

/** Ends what killed agents have left listening: by itself it ends with the next line that it prints, which may never come. */
export function endListeners(pids: readonly number[]): void {
  for (const pid of pids) orUndefined(() => process.kill(pid, 'SIGKILL'));
}

/** Of those that have not ended meanwhile. */
export function usageOf(workers: readonly number[]): readonly WorkerUsage[] {
  return workers.flatMap((pid) => {
    const status = orUndefined(() => readFileSync(`/proc/${pid}/status`, 'utf8')) ?? '';
    const residentKb = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN);
    const descriptors = orUndefined(() => readdirSync(`/proc/${pid}/fd`))?.length;
    return descriptors === undefined || Number.isNaN(residentKb) ? [] : [{ pid, residentKb, descriptors }];
  });
}

/** The command lines of all processes in a place's network namespace but the one that holds it. */
export function processesIn({ host, pid: holder }: CallPlace): readonly string[] {
  const own = statSync(`/run/netns/${host}`).ino;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== holder)
    .filter((pid) => orUndefined(() => statSync(`/proc/${pid}/ns/net`).ino) === own)
    .map((pid) => wordsOf(Number(pid)).join(' ').trim());
}

function wordsOf(pid: number): readonly string[] {
  return orUndefined(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')) ?? [];
}

/** Of a process that may end meanwhile, or be none that we may look at. */
function orUndefined<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
