import { ApiError } from './api-error.ts';
import type { ApiParts } from './parts.ts';
import type { ApiRequest } from './route.ts';
import type { Topic } from './topics.ts';

type Watched = Pick<ApiParts, 'topics' | 'limits'>;

/** @throws ApiError 503 where as many watch as are allowed */
export function requirePlace({ topics, limits }: Watched): void {
  if (hasPlace({ topics, limits })) return;
  throw new ApiError(503, `${limits.watchers} are watching already`, {
    hint: 'try again later, watch fewer things, or raise the limit of watchers',
    headers: { 'Retry-After': '5' },
  });
}

/** Whether one more may wait for changes. */
export function hasPlace({ topics, limits }: Watched): boolean {
  return topics.count < limits.watchers;
}

type Waiting = { readonly request: ApiRequest; readonly parts: ApiParts; readonly waitMs: number };

/** Why a wait was over; `ended` when the caller has gone or the API ends. */
export type WaitOutcome = 'changed' | 'elapsed' | 'ended';

/** Waits until something of the topic changes, or the time is over, or nobody waits any more. */
export function waitForBatch(topic: Topic, { request, parts, waitMs }: Waiting): Promise<WaitOutcome> {
  const { promise, resolve } = Promise.withResolvers<WaitOutcome>();
  const timer = setTimeout(() => resolve('elapsed'), waitMs);
  const stop = parts.topics.watch(topic, (batch) => resolve(batch === undefined ? 'ended' : 'changed'));
  const forget = request.onGone(() => resolve('ended'));
  return promise.finally(() => {
    clearTimeout(timer);
    stop();
    forget();
  });
}
