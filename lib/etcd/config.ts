import { type Fields, parseText, unexpected } from '../cni/fields.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { parseStorePath } from '../registry/config.ts';
import { parseDuration } from '../registry/duration.ts';

/** How an etcd cluster is reached; plugins/agent/README.md lists the fields. */
export type EtcdConfig = {
  /** `http://host:port` or `https://host:port`, without a slash at the end. */
  readonly endpoints: readonly [string, ...string[]];
  /** Paths of PEM files. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined;
  /** A user of etcd, and the file that holds its password (or the password itself). */
  readonly user:
    | { readonly name: string; readonly password?: string; readonly passwordFile?: string }
    | undefined;
  /** How long one call may take in all, in milliseconds. */
  readonly timeoutMs: number;
};

/** @throws CniError code 7 naming the field */
export function parseEtcdConfig(fields: Fields): EtcdConfig {
  fields.only('endpoints', 'tls', 'user', 'timeout');
  const endpoints = parseEndpoints(fields);
  const tls = fields.object('tls');
  const user = fields.object('user');
  if (tls !== undefined && !endpoints.some((url) => url.startsWith('https:')))
    throw unexpected(fields.at('tls'), 'an endpoint that begins with https://', endpoints);
  return {
    endpoints,
    tls: tls === undefined ? undefined : parseTls(tls),
    user: user === undefined ? undefined : parseUser(user),
    timeoutMs: fields.parsed('timeout', 'a duration from "100ms" to "1m"', parseTimeout) ?? 5_000,
  };
}

function parseEndpoints(fields: Fields): EtcdConfig['endpoints'] {
  const [first, ...others] = new Set(fields.array('endpoints', parseEndpoint) ?? fields.missing('endpoints'));
  if (first === undefined) throw unexpected(fields.at('endpoints'), 'one endpoint at least', []);
  return [first, ...others];
}

/** The port has no default: etcd's is not that of the scheme, and the other would be a surprise. */
function parseEndpoint(item: unknown, path: string): string {
  const text = parseText(item, path).toLowerCase().replace(/\/$/, '');
  const [, port] = /^https?:\/\/(?:\[[0-9a-f:.]+\]|[a-z0-9.-]+):(\d{1,5})$/.exec(text) ?? [];
  if (URL.canParse(text) && Number(port) >= 1) return text;
  // What was found is not shown: a URL may hold a password.
  throw new CniError(
    ErrorCode.invalidConfig,
    `${path}: expected http:// or https://, a host and a port, such as http://192.0.2.1:2379, and nothing else`,
  );
}

function parseTls(fields: Fields): NonNullable<EtcdConfig['tls']> {
  fields.only('ca', 'cert', 'key');
  const path = (name: string) => fields.parsed(name, 'an absolute path', parseStorePath);
  const [ca, cert, key] = [path('ca'), path('cert'), path('key')];
  if (cert === undefined && key !== undefined) fields.missing('cert');
  if (cert !== undefined && key === undefined) fields.missing('key');
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

function parseUser(fields: Fields): NonNullable<EtcdConfig['user']> {
  fields.only('name', 'password', 'passwordFile');
  const name = fields.parsed('name', 'a name', (text) => text) ?? fields.missing('name');
  const password = fields.string('password');
  const passwordFile = fields.parsed('passwordFile', 'an absolute path', parseStorePath);
  if (password !== undefined && passwordFile === undefined) return { name, password };
  if (password === undefined && passwordFile !== undefined) return { name, passwordFile };
  throw unexpected(fields.path, 'either password or passwordFile', 'both or none');
}

function parseTimeout(text: string): number | undefined {
  const ms = parseDuration(text);
  return ms !== undefined && ms >= 100 && ms <= 60_000 ? ms : undefined;
}
