import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { defaultNamespace } from '../registry/instance.ts';
import { toLabel } from '../registry/label.ts';
import { ApiError } from './api-error.ts';
import { readText } from './query.ts';

export type Access = 'read' | 'write';

/** A secret that lets its bearer in over TCP. */
export type ApiToken = {
  /** For the log and the rate limit; never secret. */
  readonly name: string;
  readonly token: string;
  /** The only namespaces that it opens; absent: all. */
  readonly namespaces?: readonly string[];
  /** `write` includes `read`. */
  readonly access: Access;
};

/** Who asks, as far as that is known. */
export type Caller = {
  /** What the rate limit goes by. */
  readonly name: string;
  readonly access: Access;
  /** Labels; undefined: all. */
  readonly namespaces?: readonly string[];
};

/** The caller over the Unix socket: its file's mode has decided already. */
export const localCaller: Caller = { name: 'unix', access: 'write' };

/** Finds out who bears the token of a request; undefined for nobody. */
export type Authenticate = (headers: IncomingHttpHeaders) => Caller | undefined;

/**
 * Every token is compared, in a time that says nothing about where they differ.
 * @returns whose token it is, from `Authorization: Bearer` (RFC 6750) or Consul's `X-Consul-Token`
 */
export function createAuthenticator(tokens: readonly ApiToken[]): Authenticate {
  const known = tokens.map((token) => ({ digest: digestOf(token.token), caller: toCaller(token) }));
  return (headers) => {
    const given = tokenOf(headers);
    if (given === undefined) return undefined;
    const digest = digestOf(given);
    return known.filter((each) => timingSafeEqual(each.digest, digest))[0]?.caller;
  };
}

/** The 401 for a caller without a token, or with one that nobody has. */
export function unauthenticated(headers: IncomingHttpHeaders): ApiError {
  const challenge = 'Bearer realm="fairlead"';
  const hint =
    'send "Authorization: Bearer <token>" or "X-Consul-Token: <token>"; the tokens are in the agent\'s configuration';
  return tokenOf(headers) === undefined
    ? new ApiError(401, 'a token is needed here', { hint, headers: { 'WWW-Authenticate': challenge } })
    : new ApiError(401, 'this token is not known', {
        hint,
        headers: { 'WWW-Authenticate': `${challenge}, error="invalid_token"` },
      });
}

/** @throws ApiError 403 where the caller may only read */
export function requireAccess({ name, access }: Caller, needed: Access): void {
  if (needed === 'read' || access === 'write') return;
  throw new ApiError(403, `the token ${name} may only read`, {
    hint: 'use a token whose access is "write"',
    headers: { 'WWW-Authenticate': 'Bearer realm="fairlead", error="insufficient_scope"' },
  });
}

/** Whether a caller may see a namespace and what is in it. */
export function maySee({ namespaces }: Caller, namespace: string): boolean {
  return namespaces === undefined || namespaces.includes(namespace);
}

/** All namespaces, as a parameter. */
export const everyNamespace = '*';

/**
 * The namespace that a request is about, as a label: that of the query, else `default`, else the first that the caller
 * may see; or `*`, which is all that the caller may see.
 * @param parameter `namespace`, or Consul's `ns`
 * @throws ApiError 403
 */
export function readNamespace(query: URLSearchParams, caller: Caller, parameter = 'namespace'): string {
  return permitNamespace(readText(query, parameter), caller);
}

/** The same for a namespace that stands elsewhere. */
export function permitNamespace(asked: string | undefined, caller: Caller): string {
  if (asked === everyNamespace) return everyNamespace;
  const [first] = caller.namespaces ?? [];
  const fallback = maySee(caller, defaultNamespace) ? defaultNamespace : (first ?? defaultNamespace);
  const namespace = asked === undefined ? fallback : toLabel(asked);
  if (maySee(caller, namespace)) return namespace;
  throw new ApiError(403, `the token ${caller.name} does not open the namespace ${namespace}`, {
    hint: `it opens ${caller.namespaces?.join(', ') || 'none'}`,
  });
}

function toCaller({ name, namespaces, access }: ApiToken): Caller {
  const labels = namespaces === undefined ? {} : { namespaces: namespaces.map(toLabel) };
  return { name, access, ...labels };
}

function tokenOf(headers: IncomingHttpHeaders): string | undefined {
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
  const consul = headers['x-consul-token'];
  return bearer ?? (typeof consul === 'string' && consul !== '' ? consul : undefined);
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
