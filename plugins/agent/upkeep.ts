import { statSync } from 'node:fs';
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

/** Which file is at the path: another one, or none, means that what we have open is not what plugins write to. */
export function identifyFile(path: string): string | undefined {
  const found = ifExists(() => statSync(path));
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
}
