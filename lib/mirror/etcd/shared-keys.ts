import { type Etcd, EtcdError, type KeyValue, type Write } from '../../etcd/etcd.ts';
import { toBatches } from './batch.ts';

export type SharedKeys = {
  readonly etcd: Etcd;
  /** Whether what stands there is this machine's. */
  readonly isOwn: (kv: KeyValue) => boolean;
};

/** Each attempt that fails has lost keys to other machines, or found them free: so many in a row are somebody's mistake. */
const mostAttempts = 20;

/**
 * Writes of keys that several machines may want: what another one has stays as it is, whoever writes at the same time.
 * @throws EtcdError
 */
export async function writeShared(
  shared: SharedKeys,
  writes: readonly Write[],
  signal: AbortSignal,
): Promise<void> {
  for (const batch of toBatches(writes)) await writeBatch(shared, batch, signal);
}

/** Looked at, and written only if it is still so. */
async function writeBatch(
  { etcd, isOwn }: SharedKeys,
  batch: readonly Write[],
  signal: AbortSignal,
): Promise<void> {
  const keys = batch.map(({ key }) => key);
  for (let attempt = 1; attempt <= mostAttempts; attempt++) {
    const there = new Map((await etcd.getAll(keys, signal)).map((kv) => [kv.key, kv]));
    const writes = batch.filter(({ kind, key }) => {
      const found = there.get(key);
      return found === undefined ? kind === 'put' : isOwn(found);
    });
    if (writes.length === 0) return;
    const compare = writes.map(({ key }) => toUnchanged(key, there.get(key)));
    const { succeeded } = await etcd.commit({ compare, writes }, signal);
    if (succeeded) return;
  }
  const what = `${keys[0]} and ${keys.length - 1} more keys change all the time`;
  throw new EtcdError('failed', etcd.endpoint, `etcd at ${etcd.endpoint}: kv/txn: ${what}`);
}

function toUnchanged(key: string, found: KeyValue | undefined) {
  return found === undefined
    ? ({ key, target: 'create-revision', equals: 0 } as const)
    : ({ key, target: 'mod-revision', equals: found.modRevision } as const);
}
