import type { Fields } from '../../cni/fields.ts';
import { type HttpConfig, parseHttpConfig } from '../../http/config.ts';
import { parseSecret, type Secret, secretField, secretObject } from '../../http/secret.ts';
import { durationField } from '../../registry/duration-field.ts';

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
  const user = secretObject(fields, 'user');
  return {
    http: parseHttpConfig(fields),
    user: user === undefined ? undefined : parseUser(user),
    path: fields.parsed('path', 'a path such as /eureka or /eureka/v2', parsePath) ?? defaultPath,
    // Eureka knows whole seconds, and the half of it must leave time for a renewal that has failed.
    ttlMs: durationField(fields, 'ttl', { shortest: '6s', longest: '1h' }) ?? 30_000,
    pollMs: durationField(fields, 'poll', { shortest: '100ms', longest: '5m' }) ?? 1_000,
  };
}

function parseUser(fields: Fields): NonNullable<EurekaConfig['user']> {
  fields.only('name', 'password', 'passwordFile');
  const wanted = { expected: 'printable characters without ":"', parse: parseUserName };
  const name = secretField(fields, 'name', wanted) ?? fields.missing('name');
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
