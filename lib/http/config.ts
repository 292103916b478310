import { type Fields, parseText, unexpected } from '../cni/fields.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { parseStorePath } from '../registry/config.ts';
import { durationField } from '../registry/duration-field.ts';
import type { PemPaths } from './pem.ts';

/** How the endpoints of a service are reached over HTTP. */
export type HttpConfig = {
  /** `http://host:port` or `https://host:port`, without a slash at the end. */
  readonly endpoints: readonly [string, ...string[]];
  readonly tls: PemPaths | undefined;
  /** How long one call may take in all, in milliseconds. */
  readonly timeoutMs: number;
};

/**
 * Reads `endpoints`, `tls` and `timeout`.
 * @param fallback the endpoint where none is configured; undefined where one must be
 * @throws CniError code 7 naming the field
 */
export function parseHttpConfig(fields: Fields, fallback?: string): HttpConfig {
  const endpoints = parseEndpoints(fields, fallback);
  const tls = fields.object('tls');
  if (tls !== undefined && !endpoints.some((url) => url.startsWith('https:')))
    throw unexpected(fields.at('tls'), 'an endpoint that begins with https://', endpoints);
  return {
    endpoints,
    tls: tls === undefined ? undefined : parsePemPaths(tls),
    timeoutMs: durationField(fields, 'timeout', { shortest: '100ms', longest: '1m' }) ?? 5_000,
  };
}

function parseEndpoints(fields: Fields, fallback: string | undefined): HttpConfig['endpoints'] {
  const given = fields.array('endpoints', parseEndpoint) ?? (fallback === undefined ? undefined : [fallback]);
  const [first, ...others] = new Set(given ?? fields.missing('endpoints'));
  if (first === undefined) throw unexpected(fields.at('endpoints'), 'one endpoint at least', []);
  return [first, ...others];
}

/** The port has no default: a registry's is not that of the scheme, and the other would be a surprise. */
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

/** @throws CniError code 7 naming the field */
export function parsePemPaths(fields: Fields): PemPaths {
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
