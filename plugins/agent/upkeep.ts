import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { messageOf } from '../../lib/errors/cni-error.ts';
import { ifExists } from '../../lib/errors/system-error.ts';
import type { Log } from '../../lib/log/log.ts';
import { isDamage } from '../../lib/registry/set-aside.ts';

/** Something that the agent does again and again. */
export type Task = {
  readonly name: string;
  /** Milliseconds from the end of one run to the begin of the next. */
  readonly everyMs: () => number;
  readonly run: () => void | Promise<void>;
};

/**
 * Runs tasks until disposed, each in its own rhythm and never twice at once. What a task throws is logged, once until it
 * succeeds again; damage of the registry is `onDamage`'s.
 */
export function startTasks(
  tasks: readonly Task[],
  { log, onDamage }: { readonly log: Log; readonly onDamage: (error: Error) => void },
): Disposable {
  const ended = new AbortController();
  for (const task of tasks) repeat(task, { log, onDamage, signal: ended.signal });
  return { [Symbol.dispose]: () => ended.abort() };
}

type Rhythm = {
  readonly log: Log;
  readonly onDamage: (error: Error) => void;
  readonly signal: AbortSignal;
};

function repeat(task: Task, { log, onDamage, signal }: Rhythm): void {
  let problem: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  const runOnce = async () => {
    try {
      await task.run();
      if (problem !== undefined) log.info(`${task.name}: works again`);
      problem = undefined;
    } catch (error) {
      if (isDamage(error)) return onDamage(error);
      if (problem !== messageOf(error)) log.warn(`${task.name}: ${messageOf(error)}`);
      problem = messageOf(error);
    }
    if (!signal.aborted) timer = setTimeout(runOnce, task.everyMs());
  };
  timer = setTimeout(runOnce, task.everyMs());
  signal.addEventListener('abort', () => clearTimeout(timer));
}

/** Octets at the beginning of a SQLite file that never change (sqlite.org/fileformat.html, "Magic Header String"). */
const magicOctets = 16;

/**
 * Which file is at the path, and how it begins: another one, or none, means that what we have open is not what plugins
 * write to. SQLite itself would not notice while it has what it needs in memory.
 */
export function identifyFile(path: string): string | undefined {
  return ifExists(() => {
    const file = openSync(path, 'r');
    try {
      const { dev, ino } = fstatSync(file);
      const magic = Buffer.alloc(magicOctets);
      readSync(file, magic, 0, magicOctets, 0);
      return `${dev}:${ino}:${magic.toString('hex')}`;
    } finally {
      closeSync(file);
    }
  });
}
