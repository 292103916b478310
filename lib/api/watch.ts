import { everyNamespace, readNamespace } from './access.ts';
import { ApiError } from './api-error.ts';
import { openEvents } from './events.ts';
import type { ApiParts } from './parts.ts';
import { readDuration, readNumber, readText } from './query.ts';
import { type Reply, renderedJson, type StreamReply } from './reply.ts';
import type { ApiRequest } from './route.ts';
import { labelOfService, parseServiceName } from './service-name.ts';
import type { Topic } from './topics.ts';
import { requirePlace, waitForBatch } from './wait.ts';

const defaultWaitMs = 55_000;
const longestWaitMs = 600_000;

/**
 * `GET /v1/watch`: with `Accept: text/event-stream` a stream of events; otherwise what has changed after the revision
 * `since`, once there is something or `wait` is over. Without `since` everything there is, at once.
 */
export function watch(request: ApiRequest, parts: ApiParts): Reply | StreamReply | Promise<Reply> {
  parts.view.refresh();
  const topic = readTopic(request, parts);
  const wantsEvents = /\btext\/event-stream\b/i.test(request.headers.accept ?? '');
  return wantsEvents && request.method === 'GET'
    ? openEvents(request, parts, topic)
    : poll(request, parts, topic);
}

async function poll(request: ApiRequest, parts: ApiParts, topic: Topic): Promise<Reply> {
  const since = readNumber(request.query, 'since');
  const waitMs = readDuration(request.query, 'wait', longestWaitMs) ?? defaultWaitMs;
  if (since === undefined) return renderedJson(parts.watchTexts.snapshot(topic));
  const known = changesSince(since, parts, topic);
  if (known.hasChanges || waitMs === 0 || request.method === 'HEAD') return renderedJson(known.text);
  requirePlace(parts);
  await waitForBatch(topic, { request, parts, waitMs });
  return renderedJson(changesSince(since, parts, topic).text);
}

/** @throws ApiError 410 */
function changesSince(since: number, { watchTexts, view }: ApiParts, topic: Topic) {
  const changes = watchTexts.changes(topic, since);
  if (changes !== undefined) return changes;
  throw new ApiError(410, `what has changed since revision ${since} is not known any more`, {
    hint: 'ask once without "since" for everything, and go on from the revision in that answer',
    facts: { revision: view.revision },
  });
}

/** @throws ApiError 403 for all namespaces, where the caller may not see them all */
function readTopic({ query, caller }: ApiRequest, { view }: ApiParts): Topic {
  const namespace = readNamespace(query, caller);
  if (namespace === everyNamespace && caller.namespaces !== undefined) {
    throw new ApiError(403, `the token ${caller.name} does not open all namespaces`, {
      hint: `watch one of ${caller.namespaces.join(', ')}`,
    });
  }
  const name = readText(query, 'service');
  if (name === undefined) return { namespace };
  return { namespace, service: labelOfService(view, namespace, parseServiceName(name)) };
}
