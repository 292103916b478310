import { type Fields, parseText, unexpected } from '../../cni/fields.ts';
import { parsePemPaths } from '../../http/config.ts';
import type { PemPaths } from '../../http/pem.ts';
import { parseSecret, type Secret, secretField, secretObject } from '../../http/secret.ts';
import { durationField } from '../../registry/duration-field.ts';
import type { ServerAddress } from '../../zookeeper/transport.ts';

/**
 * What Curator's field of this name holds. `none`: nothing; what Curator has no field for stands beside it in one of ours,
 * which it leaves alone since 4.3 at the latest. `bare`: nothing; that is left out, for clients that refuse fields they do
 * not know (2.x and 3.x do). `spring`: what Spring Cloud writes and reads.
 */
export type Payload = 'none' | 'bare' | 'spring';

/** How instances are written: as Curator's x-discovery does, or as registrator does. */
export type Format =
  | { readonly kind: 'curator'; readonly payload: Payload }
  | { readonly kind: 'registrator' };

/**
 * Who may do what with the nodes that are made: everybody everything; everybody read and the user everything; the user
 * everything and others nothing.
 */
export type Access = 'open' | 'protected' | 'private';

export type Authentication = { readonly user: string; readonly password: Secret };

/** A registry in ZooKeeper. */
export type ZooKeeperMirrorConfig = {
  readonly servers: readonly [ServerAddress, ...ServerAddress[]];
  /** Below which node the services are; without a slash at the end. */
  readonly base: string;
  readonly format: Format;
  /** By ZooKeeper's scheme `digest`. */
  readonly auth: Authentication | undefined;
  readonly access: Access;
  /** Undefined for connections without TLS. */
  readonly tls: PemPaths | undefined;
  /** How long entries outlive the process that holds the session, in milliseconds; the servers have bounds of their own. */
  readonly ttlMs: number;
  readonly timeoutMs: number;
};

export const zookeeperFields = [
  'servers',
  'base',
  'format',
  'payload',
  'auth',
  'access',
  'tls',
  'ttl',
  'timeout',
] as const;

/** @throws CniError code 7 naming the field */
export function parseZooKeeperConfig(fields: Fields): ZooKeeperMirrorConfig {
  const auth = secretObject(fields, 'auth');
  const tls = fields.object('tls');
  return {
    servers: parseServers(fields),
    base: fields.parsed('base', 'a path such as /services', parseBase) ?? '/services',
    format: parseFormat(fields),
    auth: auth && parseAuthentication(auth),
    access: parseAccess(fields, auth !== undefined),
    tls: tls && parsePemPaths(tls),
    ttlMs: durationField(fields, 'ttl', { shortest: '1s', longest: '1h' }) ?? 30_000,
    timeoutMs: durationField(fields, 'timeout', { shortest: '100ms', longest: '1m' }) ?? 5_000,
  };
}

function parseServers(fields: Fields): ZooKeeperMirrorConfig['servers'] {
  const [first, ...others] = fields.array('servers', parseServer) ?? fields.missing('servers');
  if (first === undefined) throw unexpected(fields.at('servers'), 'one server at least', []);
  return [first, ...others];
}

const defaultPort = '2181';

function parseServer(item: unknown, path: string): ServerAddress {
  const text = parseText(item, path);
  const {
    bracketed,
    plain,
    port = defaultPort,
  } = /^(?:\[(?<bracketed>[0-9a-fA-F:.]+)\]|(?<plain>[\w.-]+))(?::(?<port>\d{1,5}))?$/.exec(text)?.groups ??
  {};
  const host = bracketed ?? plain;
  if (host !== undefined && Number(port) >= 1 && Number(port) <= 65_535) return { host, port: Number(port) };
  throw unexpected(path, 'a host and a port, such as "192.0.2.1:2181"', text);
}

/** The root holds ZooKeeper's own nodes. */
function parseBase(text: string): string | undefined {
  const names = text.split('/').slice(1);
  const isPath = text.length <= 255 && /^(\/[\x21-\x2e\x30-\x7e]+)+$/.test(text);
  return isPath && !names.some((name) => name === '.' || name === '..') && names[0] !== 'zookeeper'
    ? text
    : undefined;
}

function parseFormat(fields: Fields): Format {
  const kinds = ['curator', 'registrator'] as const;
  const payloads = ['none', 'bare', 'spring'] as const;
  const kind = fields.parsed('format', '"curator" or "registrator"', oneOf(kinds)) ?? 'curator';
  const payload = fields.parsed('payload', '"none", "bare" or "spring"', oneOf(payloads));
  if (kind === 'curator') return { kind, payload: payload ?? 'none' };
  if (payload !== undefined)
    throw unexpected(fields.at('payload'), 'none but with format "curator"', payload);
  return { kind };
}

function parseAuthentication(fields: Fields): Authentication {
  fields.only('user', 'password', 'passwordFile');
  const parseUser = (text: string) => (/^[\x21-\x39\x3b-\x7e]{1,255}$/.test(text) ? text : undefined);
  return {
    user:
      secretField(fields, 'user', { expected: 'a name without ":"', parse: parseUser }) ??
      fields.missing('user'),
    password: parseSecret(fields, 'password') ?? fields.missing('password'),
  };
}

function parseAccess(fields: Fields, hasUser: boolean): Access {
  const accesses = ['open', 'protected', 'private'] as const;
  const access = fields.parsed('access', accesses.map((each) => `"${each}"`).join(', '), oneOf(accesses));
  if (access === undefined) return hasUser ? 'protected' : 'open';
  if (access !== 'open' && !hasUser)
    throw unexpected(fields.at('access'), '"open" where there is no auth', access);
  return access;
}

function oneOf<T extends string>(known: readonly T[]): (text: string) => T | undefined {
  return (text) => known.find((each) => each === text);
}
