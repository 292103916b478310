import { sleep } from '../../client/backoff.ts';
import type { Instance } from '../../registry/instance.ts';
import type { ZooKeeperClient } from '../../zookeeper/client.ts';
import { ChildrenFollower } from './children-follower.ts';

/** Changes that come together are read together. */
const gatherMs = 20;

/** A service's instances, first and after each change, until the signal. @throws ZooKeeperError when the connection is lost */
export function watchService(
  {
    client,
    path,
    read,
  }: {
    readonly client: ZooKeeperClient;
    readonly path: string;
    /** Undefined for what is no healthy instance. */
    readonly read: (child: string, data: Buffer) => Instance | undefined;
  },
  signal: AbortSignal,
): AsyncGenerator<readonly Instance[]> {
  const follower = new ChildrenFollower({ client, path, read });
  const tell = (children: ReadonlyMap<string, Instance | undefined>) =>
    [...children.values()].filter((instance) => instance !== undefined);
  return follow(follower, tell, signal);
}

/** The names of the nodes below one, in the same way. */
export function watchNames(
  { client, path }: { readonly client: ZooKeeperClient; readonly path: string },
  signal: AbortSignal,
): AsyncGenerator<readonly string[]> {
  const follower = new ChildrenFollower({ client, path, read: undefined });
  return follow(follower, (children) => [...children.keys()], signal);
}

async function* follow<V, T>(
  follower: ChildrenFollower<V>,
  tell: (children: ReadonlyMap<string, V | undefined>) => readonly T[],
  signal: AbortSignal,
): AsyncGenerator<readonly T[]> {
  using _following = follower;
  let told: readonly T[] | undefined;
  while (!signal.aborted) {
    try {
      await follower.read(signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    const now = tell(follower.children);
    if (told === undefined || !isSameList(told, now)) yield now;
    told = now;
    await follower.changed(signal);
    await sleep(gatherMs, signal);
  }
}

/** What has not changed is the same value from step to step. */
function isSameList<T>(one: readonly T[], other: readonly T[]): boolean {
  return one.length === other.length && one.every((value, at) => value === other[at]);
}
