import type { IncomingMessage } from 'node:http';
import { refuseFailure } from './answer.ts';
import { EtcdError, type WatchBatch, type WatchEvent } from './etcd.ts';
import { type Asked, parseRefusal, TokenRefused, toEtcdError, toFailure, Verdict } from './failure.ts';
import { parseKeyValue, toKeyRange } from './key-values.ts';
import { readLines } from './lines.ts';
import { int64Of, type JsonObject, listOf, objectOf, parseJson } from './wire.ts';

/** Bytes of one line of the stream at most. */
const longestLine = 16 * 1024 * 1024;

/** A watch that the server has confirmed. */
export type OpenWatch = {
  readonly batches: AsyncIterable<WatchBatch>;
  /** Ends it, and its connection. */
  readonly close: () => void;
};

/** A watch as `/v3/watch` takes it. Fragments are not asked for, so that no revision is cut in two. */
export function renderWatch(prefix: string, fromRevision: number): object {
  return { create_request: { ...toKeyRange(prefix), start_revision: String(fromRevision) } };
}

/**
 * Resolves when the server has confirmed the watch.
 * @throws EtcdError, Malformed
 */
export async function openWatch(answer: IncomingMessage, asked: Asked): Promise<OpenWatch> {
  try {
    await refuseFailure(answer, asked);
    const lines = readLines(answer, longestLine);
    await readConfirmation(lines, asked);
    return { batches: readBatches(lines, asked), close: () => answer.destroy() };
  } catch (error) {
    answer.destroy();
    throw error;
  }
}

async function readConfirmation(lines: AsyncGenerator<string>, asked: Asked): Promise<void> {
  const { value: line } = await lines.next();
  if (line === undefined) throw ended(asked);
  const created = parseResult(line, asked);
  // Refused in the moment of its creation: of a token that is not valid any more etcd 3.4 says the same as of a right.
  if (created.canceled === true && String(created.cancel_reason).includes('permission denied'))
    throw new TokenRefused(asked.endpoint, textOf(asked, 'permission denied'));
  refuseCanceled(created, asked);
}

async function* readBatches(lines: AsyncIterable<string>, asked: Asked): AsyncGenerator<WatchBatch> {
  try {
    for await (const line of lines) {
      const result = parseResult(line, asked);
      refuseCanceled(result, asked);
      const batch = parseBatch(result);
      if (batch !== undefined) yield batch;
    }
  } catch (cause) {
    throw toEtcdError(cause, asked);
  }
  throw ended(asked);
}

function parseResult(line: string, asked: Asked): JsonObject {
  const json = parseJson(line);
  const refusal = parseRefusal(json);
  if (refusal !== undefined) throw toFailure(refusal, asked);
  return objectOf(json.result, 'the result');
}

/** @throws EtcdError for a watch that the server has ended */
function refuseCanceled({ canceled, cancel_reason, compact_revision }: JsonObject, asked: Asked): void {
  if (canceled !== true) return;
  const { endpoint } = asked;
  const compacted = int64Of(compact_revision, 'compact_revision');
  if (compacted > 0)
    throw new Verdict('compacted', endpoint, textOf(asked, `revisions before ${compacted} are gone`));
  throw toFailure({ code: undefined, message: `canceled: ${cancel_reason ?? 'no reason given'}` }, asked);
}

/**
 * The header has the store's revision, which a watch that is behind has not come to: it is resumed after the last event.
 * @returns undefined for a sign of life without events
 */
function parseBatch(result: JsonObject): WatchBatch | undefined {
  const events = listOf(result.events, 'events').map(parseEvent);
  const last = events.at(-1);
  if (last === undefined) return undefined;
  return { revision: last.kind === 'put' ? last.kv.modRevision : last.modRevision, events };
}

function parseEvent(value: unknown): WatchEvent {
  const event = objectOf(value, 'an event');
  const kv = parseKeyValue(event.kv);
  return event.type === 'DELETE'
    ? { kind: 'delete', key: kv.key, modRevision: kv.modRevision }
    : { kind: 'put', kv };
}

function ended(asked: Asked): EtcdError {
  return new EtcdError('unreachable', asked.endpoint, textOf(asked, 'the connection has ended'));
}

function textOf({ call, endpoint }: Asked, what: string): string {
  return `etcd at ${endpoint}: ${call}: ${what}`;
}
