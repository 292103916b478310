import type { Write } from '../../etcd/etcd.ts';

/** Writes of one transaction at most: what etcd allows unless it is told otherwise (`--max-txn-ops`). */
const mostWrites = 128;
/** Characters of keys and values in one transaction at most; etcd refuses requests above 1.5 MiB. */
const mostCharacters = 262_144;

/** Writes in transactions that etcd accepts, in order; of several of one key, which it refuses, only the last. */
export function toBatches(writes: readonly Write[]): readonly (readonly Write[])[] {
  const batches: Write[][] = [];
  let characters = Number.POSITIVE_INFINITY;
  for (const write of lastOfEachKey(writes)) {
    const batch = batches.at(-1);
    const size = write.key.length + (write.kind === 'put' ? write.value.length : 0);
    if (batch === undefined || batch.length === mostWrites || characters + size > mostCharacters) {
      batches.push([write]);
      characters = size;
    } else {
      batch.push(write);
      characters += size;
    }
  }
  return batches;
}

function lastOfEachKey(writes: readonly Write[]): Iterable<Write> {
  return new Map(writes.map((write) => [write.key, write])).values();
}
