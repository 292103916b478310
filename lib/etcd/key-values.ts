import type { KeyValue, Range } from './etcd.ts';
import { bytesOf, int64Of, int64TextOf, type JsonObject, listOf, objectOf } from './wire.ts';

/** Keys from one to another, which is not among them, in base64. */
export type KeyRange = { readonly key: string; readonly range_end: string };

/** All keys that begin with a prefix; with an empty one, all keys. */
export function toKeyRange(prefix: string): KeyRange {
  const begin = prefix === '' ? Buffer.from([0]) : Buffer.from(prefix);
  return { key: begin.toString('base64'), range_end: endOf(prefix).toString('base64') };
}

/** The first key after those with the prefix; UTF-8 has no byte 0xff, so the last one can always be raised. */
function endOf(prefix: string): Buffer {
  const end = Buffer.from(prefix === '' ? '\0' : prefix);
  const last = end.length - 1;
  if (prefix !== '') end[last] = (end[last] ?? 0) + 1;
  return end;
}

/** A part of a range, and where the next one begins, in base64; undefined after the last. */
export type Page = Range & { readonly next: string | undefined };

/** @throws Malformed */
export function parsePage(answer: JsonObject): Page {
  const kvs = listOf(answer.kvs, 'kvs');
  const last = kvs.at(-1);
  const hasMore = answer.more === true && last !== undefined;
  return {
    revision: parseRevision(answer),
    kvs: kvs.map(parseKeyValue),
    next: hasMore ? nextKey(objectOf(last, 'a key').key).toString('base64') : undefined,
  };
}

/** Of bytes, since the key of another program may be no text. */
function nextKey(key: unknown): Buffer {
  return Buffer.concat([bytesOf(key, 'a key'), Buffer.from([0])]);
}

/** The revision of the store at which an answer holds. @throws Malformed */
export function parseRevision(answer: JsonObject): number {
  return int64Of(objectOf(answer.header, 'the header').revision, 'the revision');
}

/** @throws Malformed */
export function parseKeyValue(value: unknown): KeyValue {
  const kv = objectOf(value, 'a key');
  return {
    key: bytesOf(kv.key, 'a key').toString(),
    value: bytesOf(kv.value, 'a value').toString(),
    createRevision: int64Of(kv.create_revision, 'create_revision'),
    modRevision: int64Of(kv.mod_revision, 'mod_revision'),
    lease: int64TextOf(kv.lease, 'lease'),
  };
}
