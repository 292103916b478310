import type { ServerResponse } from 'node:http';
import type { ApiParts } from './parts.ts';
import { parseNumber, readNumber } from './query.ts';
import type { StreamReply } from './reply.ts';
import type { ApiRequest } from './route.ts';
import type { Topic } from './topics.ts';
import { requirePlace } from './wait.ts';

/** How long a client is to wait before it connects again, in milliseconds. */
const retryMs = 1_000;

/**
 * A stream of server-sent events (HTML Living Standard, section 9.2): `change` events whose id is the registry's
 * revision, after the one that `Last-Event-ID` or `since` names; where that is absent or too long ago, first a `snapshot`
 * event. A client that does not read is disconnected, and goes on where it was when it comes back.
 */
export function openEvents(request: ApiRequest, parts: ApiParts, topic: Topic): StreamReply {
  const since = readSince(request);
  requirePlace(parts);
  return { stream: (response) => stream(response, { parts, topic, since }) };
}

type Streamed = { readonly parts: ApiParts; readonly topic: Topic; readonly since: number | undefined };

function stream(response: ServerResponse, { parts, topic, since }: Streamed): void {
  const { view, topics, limits, watchTexts } = parts;
  const missed = since === undefined ? undefined : watchTexts.changesFrame(topic, since);
  const first = missed ?? watchTexts.snapshotFrame(topic);
  const mostBuffered = first.length + limits.watchBufferBytes;
  const send = (frame: Uint8Array | string) => {
    // Between the end of a response and its "close" a write would be an error.
    if (frame.length === 0 || response.destroyed || response.writableEnded) return;
    response.write(frame);
    if (response.writableLength > mostBuffered) response.destroy();
  };
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  send(`retry: ${retryMs}\n\n`);
  send(first);
  // The id moves on with what does not concern this watcher, so that it can still resume after a quiet hour.
  const pause = setInterval(() => send(`: alive\nid: ${view.revision}\n\n`), limits.eventPauseMs);
  const stop = topics.watch(topic, (batch) => {
    if (batch === undefined) response.end();
    else send(batch.frame());
  });
  response.once('close', () => {
    clearInterval(pause);
    stop();
  });
}

function readSince({ headers, query }: ApiRequest): number | undefined {
  const last = headers['last-event-id'];
  if (typeof last !== 'string' || last === '') return readNumber(query, 'since');
  // Whatever else it is, it is not an id of ours: the stream begins anew.
  return /^\d+$/.test(last) ? parseNumber(last, 'Last-Event-ID') : undefined;
}
