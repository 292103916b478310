import { type Fields, parseText, unexpected } from '../../cni/fields.ts';
import { type HttpConfig, parseHttpConfig } from '../../http/config.ts';
import { parseSecret, type Secret } from '../../http/secret.ts';
import { parseDuration } from '../../registry/duration.ts';

/** A Eureka server, or several that replicate to each other; README.md lists the fields. */
export type EurekaConfig = {
  readonly http: HttpConfig;
  /** For basic authentication; undefined: none. */
  readonly user: { readonly name: string; readonly password: Secret } | undefined;
  /** What comes before `/apps`; without a slash at its end. */
  readonly path: string;
  /** How long entries outlive the process that renews them. */
  readonly ttlMs: number;
  /** Between two looks for changes. */
  readonly pollMs: number;
};

/** Spring's; Netflix's own server has `/eureka/v2`. */
const defaultPath = '/eureka';

export const eurekaFields = ['endpoints', 'tls', 'timeout', 'user', 'path', 'ttl', 'poll'] as const;

/** @throws CniError code 7 naming the field */
export function parseEurekaConfig(fields: Fields): EurekaConfig {
  const user = fields.object('user');
  return {
    http: parseHttpConfig(fields),
    user: user === undefined ? undefined : parseUser(user),
    path: fields.parsed('path', 'a path such as /eureka or /eureka/v2', parsePath) ?? defaultPath,
    // Eureka knows whole seconds, and the half of it must leave time for a renewal that has failed.
    ttlMs: parseSpan(fields, { name: 'ttl', text: '30s', least: '6s', most: '1h' }),
    pollMs: parseSpan(fields, { name: 'poll', text: '1s', least: '100ms', most: '5m' }),
  };
}

function parseUser(fields: Fields): NonNullable<EurekaConfig['user']> {
  fields.only('name', 'password', 'passwordFile');
  const expected = 'printable characters without ":"';
  const name = fields.parsed('name', expected, parseUserName) ?? fields.missing('name');
  return { name, password: parseSecret(fields, 'password') ?? fields.missing('password') };
}

/** A colon would end the name (RFC 7617, section 2). */
function parseUserName(text: string): string | undefined {
  return /^[\x21-\x39\x3b-\x7e]{1,255}$/.test(text) ? text : undefined;
}

function parsePath(text: string): string | undefined {
  const path = text.replace(/\/$/, '');
  return path.length <= 255 && /^(\/[\w~-][\w.~-]*)+$/.test(path) ? path : undefined;
}

type Span = { readonly name: string; readonly text: string; readonly least: string; readonly most: string };

function parseSpan(fields: Fields, { name, text, least, most }: Span): number {
  const raw = fields.raw(name);
  const ms = parseDuration(raw === undefined ? text : parseText(raw, fields.at(name)));
  const [leastMs = 0, mostMs = 0] = [parseDuration(least), parseDuration(most)];
  if (ms !== undefined && ms >= leastMs && ms <= mostMs) return ms;
  throw unexpected(fields.at(name), `a duration from ${least} to ${most}`, raw);
}
