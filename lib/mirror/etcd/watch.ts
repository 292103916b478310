import type { Etcd } from '../../etcd/etcd.ts';
import { type Followed, follow } from '../../etcd/follow.ts';
import { type Instance, isHealthy } from '../../registry/instance.ts';
import { Latest } from '../latest.ts';
import { instancesPrefix } from './record.ts';
import { EtcdRecordTable } from './record-table.ts';

type Watched = {
  readonly etcd: Etcd;
  readonly prefix: string;
  readonly isWanted: (instance: Instance) => boolean;
};

/**
 * The healthy instances that are wanted: as they are, and again after each change, until the signal. Whoever is slow is
 * told the latest. While the cluster is away, nothing is told.
 */
export async function* watchService(
  { etcd, prefix, isWanted }: Watched,
  signal: AbortSignal,
): AsyncGenerator<readonly Instance[]> {
  const ended = new AbortController();
  const records = new EtcdRecordTable(prefix);
  const latest = new Latest<readonly Instance[]>(AbortSignal.any([signal, ended.signal]));
  const tell = (followed: Followed) => {
    if (followed.kind === 'lost') return;
    records.follow(followed);
    const instances = records.records().map(({ instance }) => instance);
    latest.set(instances.filter((instance) => isHealthy(instance) && isWanted(instance)));
  };
  const following = follow({ etcd, prefix: instancesPrefix(prefix), tell }, latest.signal);
  try {
    let told: readonly Instance[] | undefined;
    for await (const instances of latest) {
      if (told === undefined || !isSameList(told, instances)) yield instances;
      told = instances;
    }
  } finally {
    ended.abort();
    await following;
  }
}

/** What has not changed is the same object from step to step. */
function isSameList(one: readonly Instance[], other: readonly Instance[]): boolean {
  return one.length === other.length && one.every((instance, at) => instance === other[at]);
}
