import { messageOf } from '../../lib/errors/cni-error.ts';
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
export function startTasks(tasks: readonly Task[], surroundings: TaskSurroundings): Disposable {
  const ended = new AbortController();
  for (const task of tasks) repeat(task, surroundings, ended.signal);
  return { [Symbol.dispose]: () => ended.abort() };
}

export type TaskSurroundings = {
  readonly log: Log;
  readonly onDamage: (error: Error) => void;
  /** What fails at the moment, by the task's name: the agent is then not well. */
  readonly problems: Map<string, string>;
};

function repeat(task: Task, { log, onDamage, problems }: TaskSurroundings, signal: AbortSignal): void {
  let timer: NodeJS.Timeout | undefined;
  const runOnce = async () => {
    try {
      await task.run();
      if (problems.delete(task.name)) log.info(`${task.name}: works again`);
    } catch (error) {
      if (isDamage(error)) return onDamage(error);
      if (problems.get(task.name) !== messageOf(error)) log.warn(`${task.name}: ${messageOf(error)}`);
      problems.set(task.name, messageOf(error));
    }
    if (!signal.aborted) timer = setTimeout(runOnce, task.everyMs());
  };
  timer = setTimeout(runOnce, task.everyMs());
  signal.addEventListener('abort', () => clearTimeout(timer));
}
