import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { messageOf } from '../errors/cni-error.ts';
import type { RateLimiter } from '../limit/rate-limiter.ts';
import type { Log } from '../log/log.ts';
import { type Authenticate, type Caller, localCaller, requireAccess, unauthenticated } from './access.ts';
import { ApiError, toApiError } from './api-error.ts';
import { readBody } from './body.ts';
import type { ApiParts } from './parts.ts';
import { type Reply, type StreamReply, toErrorReply } from './reply.ts';
import { allowOf, chooseRoute, type FoundRoute, matchPath, toTable } from './route.ts';
import { routes } from './routes.ts';
import { send } from './send.ts';
import { nobody } from './status.ts';
import { parseTarget } from './target.ts';

/** What is known of a request once it is answered; of a stream, once it has begun. */
export type Observed = {
  readonly method: string;
  /** The route's pattern; "none" where no route was found. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
};

/** What the requests of one listener go through. */
export type Entrance = {
  readonly parts: ApiParts;
  /** Undefined on the Unix socket, whose mode decides who comes in. */
  readonly authenticate: Authenticate | undefined;
  readonly limiter: RateLimiter;
  readonly log: Log;
  readonly observe: (observed: Observed) => void;
};

const table = toTable(routes);

export function createRequestListener(entrance: Entrance): RequestListener {
  return (request, response) => {
    exchange(request, response, entrance).catch((error: unknown) => {
      entrance.log.error('the API could not send an answer', { why: messageOf(error) });
      response.destroy();
    });
  };
}

async function exchange(request: IncomingMessage, response: ServerResponse, entrance: Entrance) {
  const startedMs = performance.now();
  const method = request.method ?? 'GET';
  let route = 'none';
  const incoming = { request, response, method, onRoute: (path: string) => (route = path) };
  const reply = await serve(incoming, entrance).catch((error: unknown) =>
    toFailureReply(error, { what: `${method} ${route}`, entrance }),
  );
  // Whoever has gone is told nothing.
  if (response.destroyed) return;
  send(reply, { request, response, limits: entrance.parts.limits });
  const status = 'stream' in reply ? 200 : reply.status;
  entrance.observe({ method, route, status, seconds: (performance.now() - startedMs) / 1000 });
}

type Incoming = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly onRoute: (path: string) => void;
};

async function serve(
  { request, response, method, onRoute }: Incoming,
  entrance: Entrance,
): Promise<Reply | StreamReply> {
  const { headers } = request;
  if (method === 'OPTIONS' && request.url === '*') return optionsOf(matchAll());
  const { segments, query } = parseTarget(request.url ?? '/');
  const found = matchPath(table, segments);
  const caller = admit(request, found, entrance);
  if (method === 'OPTIONS' && found.length > 0) return optionsOf(found);
  const { route, params } = chooseRoute(found, method, { table, segments });
  onRoute(route.path);
  if (route.access !== 'open') requireAccess(caller, route.access);
  const { parts } = entrance;
  const bodyBytes = Math.max(parts.limits.bodyBytes, route.bodyBytes ?? 0);
  const body = route.takesBody === true ? await readBody(request, bodyBytes) : undefined;
  const onGone = (listener: () => void) => whenGone(response, listener);
  return route.handle({ method, params, query, headers, caller, body, onGone }, parts);
}

/**
 * Who asks, if he may ask now.
 * @throws ApiError 401, 429
 */
function admit(
  { headers, socket }: IncomingMessage,
  found: readonly FoundRoute[],
  { authenticate, limiter, parts }: Entrance,
): Caller {
  const caller = authenticate === undefined ? localCaller : authenticate(headers);
  if (found.some(({ route }) => route.access === 'open')) return caller ?? nobody;
  const bucket = caller === undefined ? `address ${socket.remoteAddress}` : callerBucket(caller);
  if (!limiter.take(bucket)) throw tooMany(limiter.waitMs(bucket), parts);
  if (caller === undefined) throw unauthenticated(headers);
  return caller;
}

function callerBucket(caller: Caller): string {
  return caller === localCaller ? 'unix' : `token ${caller.name}`;
}

function tooMany(waitMs: number, { limits }: ApiParts): ApiError {
  const { perSecond, burst } = limits.rate;
  return new ApiError(429, 'too many requests', {
    hint: `a caller may make ${perSecond} a second, and ${burst} at once; to follow changes use /v1/watch`,
    headers: { 'Retry-After': String(Math.max(1, Math.ceil(waitMs / 1000))) },
  });
}

function optionsOf(found: readonly FoundRoute[]): Reply {
  return { status: 204, headers: { Allow: allowOf(found) } };
}

function matchAll(): readonly FoundRoute[] {
  return routes.map((route) => ({ route, params: {} }));
}

function whenGone(response: ServerResponse, listener: () => void): () => void {
  if (response.closed || response.destroyed) listener();
  response.once('close', listener);
  return () => response.off('close', listener);
}

type Failing = { readonly what: string; readonly entrance: Entrance };

function toFailureReply(error: unknown, { what, entrance }: Failing): Reply {
  const failure = toApiError(error);
  const { status, cause } = failure;
  if (status >= 500 && cause !== undefined) {
    const why = status === 500 && cause instanceof Error ? (cause.stack ?? cause.message) : messageOf(cause);
    entrance.log.error('the API failed to answer', { request: what, status, why });
  }
  return toErrorReply(failure);
}
