import type { IncomingHttpHeaders } from 'node:http';
import type { Fields } from '../cni/fields.ts';
import type { Access, Caller } from './access.ts';
import { ApiError } from './api-error.ts';
import type { ApiParts } from './parts.ts';
import type { Reply, StreamReply } from './reply.ts';

/** A request that has been let in. */
export type ApiRequest = {
  /** HEAD is answered as GET, and waits for nothing. */
  readonly method: string;
  /** What stands in the place of a route's `:name`s, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly caller: Caller;
  /** Undefined where there is none, or where the route takes none. */
  readonly body: Fields | undefined;
  /** Calls the listener when the connection is closed before it has been answered; the function returned ends that. */
  readonly onGone: (listener: () => void) => () => void;
};

export type Handler = (
  request: ApiRequest,
  parts: ApiParts,
) => Reply | StreamReply | Promise<Reply | StreamReply>;

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** One line of the API: what it does is in `summary`, for the documentation. */
export type Route = {
  readonly method: Method;
  /** With `:name` for a segment that varies. `/v1` may be left out where `short` is set. */
  readonly path: string;
  readonly short?: boolean;
  /** `open`: without a token. */
  readonly access: Access | 'open';
  /** Whether a body is read. */
  readonly takesBody?: boolean;
  /** Where callers cannot help sending more than `limits.bodyBytes`. */
  readonly bodyBytes?: number;
  readonly summary: string;
  readonly handle: Handler;
};

export type FoundRoute = { readonly route: Route; readonly params: Readonly<Record<string, string>> };

/** Routes with their paths taken apart. */
export type RouteTable = readonly {
  readonly route: Route;
  readonly patterns: readonly (readonly string[])[];
}[];

export function toTable(routes: readonly Route[]): RouteTable {
  return routes.map((route) => ({
    route,
    patterns: pathsOf(route).map((path) => path.split('/').slice(1)),
  }));
}

/** The routes whose path fits, whatever their method; the first of each method is meant. */
export function matchPath(table: RouteTable, segments: readonly string[]): readonly FoundRoute[] {
  return table.flatMap(({ route, patterns }) => {
    const pattern = patterns.find((each) => isMatch(each, segments));
    return pattern === undefined ? [] : { route, params: paramsOf(pattern, segments) };
  });
}

/** The one that serves a method. @throws ApiError 404, 405 */
export function chooseRoute(
  found: readonly FoundRoute[],
  method: string,
  { table, segments }: { table: RouteTable; segments: readonly string[] },
): FoundRoute {
  const wanted = method === 'HEAD' ? 'GET' : method;
  const chosen = found.find(({ route }) => route.method === wanted);
  if (chosen !== undefined) return chosen;
  if (found.length === 0) throw noSuchPath(table, segments);
  const allow = allowOf(found);
  throw new ApiError(405, `${method} is not done here`, {
    hint: `this path takes ${allow}`,
    headers: { Allow: allow },
  });
}

/** The value of `Allow` (RFC 9110, section 10.2.1). */
export function allowOf(found: readonly FoundRoute[]): string {
  const methods = new Set(found.map(({ route }) => route.method));
  return [...methods, ...(methods.has('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
}

function pathsOf({ path, short = false }: Route): readonly string[] {
  return short ? [path, path.replace(/^\/v1/, '')] : [path];
}

function isMatch(pattern: readonly string[], segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every((part, index) => (part.startsWith(':') ? segments[index] !== '' : part === segments[index]))
  );
}

function paramsOf(pattern: readonly string[], segments: readonly string[]): FoundRoute['params'] {
  const named = pattern.flatMap((part, index) =>
    part.startsWith(':') ? [[part.slice(1), segments[index] ?? ''] as const] : [],
  );
  return Object.fromEntries(named);
}

function noSuchPath(table: RouteTable, segments: readonly string[]): ApiError {
  const routes = table.map(({ route }) => route);
  const near = routes.filter(({ path }) => isNear(path, segments));
  const listed = (near.length > 0 ? near : routes).map(({ method, path }) => `${method} ${path}`);
  return new ApiError(404, `there is nothing at /${segments.map(encodeURIComponent).join('/')}`, {
    hint: `there is ${listed.join(', ')}`,
  });
}

/** Whether a path has a word that looks like one of those asked for. */
function isNear(path: string, segments: readonly string[]): boolean {
  const words = path.split('/').filter((part) => part.length > 2 && !part.startsWith(':'));
  return segments.some(
    (segment) => segment.length > 2 && words.some((word) => word.startsWith(segment.slice(0, 3))),
  );
}
