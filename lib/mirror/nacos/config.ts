import type { Fields } from '../../cni/fields.ts';
import { type HttpConfig, parseHttpConfig } from '../../http/config.ts';
import { parseSecret, type Secret, secretField, secretObject } from '../../http/secret.ts';
import { durationField } from '../../registry/duration-field.ts';

/** A Nacos server, or the members of a cluster; README.md lists the fields. */
export type NacosConfig = {
  readonly http: HttpConfig;
  /** Undefined: the server asks nobody for a name. */
  readonly user: NacosUser | undefined;
  /** `v1` for Nacos 1.3 to 2.x, `v3` for 3.x. */
  readonly api: 'v1' | 'v3';
  /** The server's context path, without a slash at its end. */
  readonly path: string;
  /** Nacos's namespace, which is not one of ours. */
  readonly namespaceId: string;
  /** The group of our namespace `default`; the others have groups of their own names. */
  readonly group: string;
  readonly cluster: string;
  /** How long entries are taken for healthy without a heartbeat. */
  readonly ttlMs: number;
  /** Between two looks for changes. */
  readonly pollMs: number;
};

export type NacosUser = { readonly name: string; readonly password: Secret };

export const nacosFields = [
  ...['endpoints', 'tls', 'timeout', 'user', 'api', 'path'],
  ...['namespaceId', 'group', 'cluster', 'ttl', 'poll'],
] as const;

/** @throws CniError code 7 naming the field */
export function parseNacosConfig(fields: Fields): NacosConfig {
  const user = secretObject(fields, 'user');
  return {
    http: parseHttpConfig(fields),
    user: user === undefined ? undefined : parseUser(user),
    api: fields.parsed('api', '"v1" (Nacos 1.3 to 2.x) or "v3" (Nacos 3.x)', parseApi) ?? 'v3',
    path: fields.parsed('path', 'a path such as /nacos', parsePath) ?? '/nacos',
    namespaceId: fields.parsed('namespaceId', 'letters, digits, "_" and "-"', parseNamespaceId) ?? 'public',
    group: fields.parsed('group', 'letters, digits, "_", ".", ":" and "-"', parseGroup) ?? 'DEFAULT_GROUP',
    cluster: fields.parsed('cluster', 'letters, digits and "-"', parseCluster) ?? 'DEFAULT',
    // The server looks for those that are silent every 5 s, so less than that would promise what it does not keep.
    ttlMs: durationField(fields, 'ttl', { shortest: '5s', longest: '1h' }) ?? 30_000,
    pollMs: durationField(fields, 'poll', { shortest: '100ms', longest: '5m' }) ?? 1_000,
  };
}

function parseUser(fields: Fields): NacosUser {
  fields.only('name', 'password', 'passwordFile');
  const wanted = { expected: 'printable characters', parse: parseUserName };
  const name = secretField(fields, 'name', wanted) ?? fields.missing('name');
  return { name, password: parseSecret(fields, 'password') ?? fields.missing('password') };
}

function parseUserName(text: string): string | undefined {
  return /^[\x21-\x7e]{1,255}$/.test(text) ? text : undefined;
}

function parseApi(text: string): NacosConfig['api'] | undefined {
  return text === 'v1' || text === 'v3' ? text : undefined;
}

function parsePath(text: string): string | undefined {
  const path = text.replace(/\/$/, '');
  return path.length <= 255 && /^(\/[\w~-][\w.~-]*)*$/.test(path) ? path : undefined;
}

function parseNamespaceId(text: string): string | undefined {
  return /^[\w-]{1,64}$/.test(text) ? text : undefined;
}

function parseGroup(text: string): string | undefined {
  return /^[\w.:-]{1,128}$/.test(text) ? text : undefined;
}

function parseCluster(text: string): string | undefined {
  return /^[A-Za-z0-9-]{1,64}$/.test(text) ? text : undefined;
}
