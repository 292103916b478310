import type { RateLimit } from '../limit/rate-limiter.ts';

/** What callers may use up. */
export type ApiLimits = {
  /** Of one request's body. */
  readonly bodyBytes: number;
  /** Of one request's line and headers. */
  readonly headerBytes: number;
  /** For the whole of a request to arrive. */
  readonly requestTimeoutMs: number;
  /** For the whole of an answer to leave; a watch's may take for ever. */
  readonly replyTimeoutMs: number;
  /** Open at once on one listener; those beyond are closed. */
  readonly connections: number;
  /** Waiting requests and event streams at once. */
  readonly watchers: number;
  /** Of events that a watcher has not read yet, beyond the snapshot it began with; then it is disconnected. */
  readonly watchBufferBytes: number;
  /** How often an event stream that has nothing to say shows that it lives. */
  readonly eventPauseMs: number;
  /** For each caller; a watch counts as one request. */
  readonly rate: RateLimit;
};

export const defaultLimits: ApiLimits = {
  bodyBytes: 65_536,
  headerBytes: 16_384,
  requestTimeoutMs: 10_000,
  replyTimeoutMs: 30_000,
  connections: 4_096,
  watchers: 4_096,
  watchBufferBytes: 1_048_576,
  eventPauseMs: 15_000,
  rate: { perSecond: 5_000, burst: 10_000 },
};
