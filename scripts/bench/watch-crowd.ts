import type { Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { type WatchOptions, watchRegistry } from './watching.ts';

/** Far over the slowest watcher. */
const timeoutMs = 20_000;

/** Many who watch the registry. */
export type WatchCrowd = Disposable & {
  /**
   * When the last of them was told of a revision (performance.now()).
   * @throws Error where one of them is not told in time
   */
  readonly reached: (revision: number) => Promise<number>;
};

/** How many watch, and how. */
export type CrowdOptions = Omit<WatchOptions, 'onRevision'> & { readonly count: number };

/** Has so many watch from the revision on. */
export async function startCrowd({ count, ...options }: CrowdOptions): Promise<WatchCrowd> {
  const told = new Map<number, number>();
  const completed = new Map<number, PromiseWithResolvers<number>>();
  const completionOf = (revision: number) => {
    const known = completed.get(revision) ?? Promise.withResolvers<number>();
    completed.set(revision, known);
    return known;
  };
  const onRevision = (revision: number) => {
    const sofar = (told.get(revision) ?? 0) + 1;
    told.set(revision, sofar);
    if (sofar === count) completionOf(revision).resolve(performance.now());
  };
  const connections: Socket[] = [];
  while (connections.length < count) connections.push(await watchRegistry({ ...options, onRevision }));
  return {
    reached: async (revision) => {
      const late = setTimeout(timeoutMs).then(() => {
        throw new Error(`${told.get(revision) ?? 0} of ${count} watchers were told of revision ${revision}`);
      });
      return await Promise.race([completionOf(revision).promise, late]);
    },
    [Symbol.dispose]: () => {
      for (const connection of connections) connection.destroy();
    },
  };
}
