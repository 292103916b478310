import type { Committed, Compare, KeyValue, Transaction, Write } from './etcd.ts';
import { parseKeyValue, parseRevision } from './key-values.ts';
import { type JsonObject, listOf, objectOf, toBase64 } from './wire.ts';

/** A transaction as `/v3/kv/txn` takes it. */
export function renderTransaction({ compare, writes }: Transaction): object {
  return { compare: compare.map(renderCompare), success: writes.map(renderWrite) };
}

function renderCompare({ key, target, equals }: Compare): object {
  const what =
    target === 'create-revision'
      ? { target: 'CREATE', create_revision: String(equals) }
      : { target: 'MOD', mod_revision: String(equals) };
  return { key: toBase64(key), result: 'EQUAL', ...what };
}

function renderWrite(write: Write): object {
  const key = toBase64(write.key);
  if (write.kind === 'delete') return { request_delete_range: { key } };
  return { request_put: { key, value: toBase64(write.value), lease: write.lease ?? '0' } };
}

/** @throws Malformed */
export function parseCommitted(answer: JsonObject): Committed {
  return { succeeded: answer.succeeded === true, revision: parseRevision(answer) };
}

/** A transaction that reads keys, each by itself. */
export function renderReads(keys: readonly string[]): object {
  return { success: keys.map((key) => ({ request_range: { key: toBase64(key) } })) };
}

/** @throws Malformed */
export function parseReads(answer: JsonObject): readonly KeyValue[] {
  return listOf(answer.responses, 'responses').flatMap((response) => {
    const range = objectOf(objectOf(response, 'a response').response_range, 'response_range');
    return listOf(range.kvs, 'kvs').map(parseKeyValue);
  });
}
