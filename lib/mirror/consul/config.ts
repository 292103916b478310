import { type Fields, unexpected } from '../../cni/fields.ts';
import { type HttpConfig, parseHttpConfig } from '../../http/config.ts';
import { parseSecret, type Secret } from '../../http/secret.ts';
import { parseDuration } from '../../registry/duration.ts';

/** A registry in Consul, by way of this host's own Consul agent; README.md lists the fields. */
export type ConsulConfig = {
  readonly http: HttpConfig;
  readonly token: Secret | undefined;
  /** Whose services are read; undefined for the agent's own. What is written stands in the agent's own. */
  readonly datacenter: string | undefined;
  /** How long entries stay healthy after the process that speaks for them. */
  readonly ttlMs: number;
  /** How long Consul keeps entries after that. */
  readonly deregisterAfterMs: number | 'never';
};

export const consulFields = [
  ...['endpoints', 'tls', 'timeout', 'token', 'tokenFile', 'datacenter', 'ttl', 'deregisterAfter'],
] as const;

const defaultTtlMs = 30_000;
const shortestTtlMs = 3_000;
/** Consul takes less for this. */
const shortestDeregisterMs = 60_000;
const longestMs = 720 * 3_600_000;

/** @throws CniError code 7 naming the field */
export function parseConsulConfig(fields: Fields): ConsulConfig {
  const datacenter = fields.parsed('datacenter', 'letters, digits, "-" and "_"', parseDatacenter);
  return {
    http: parseHttpConfig(fields, 'http://127.0.0.1:8500'),
    token: parseSecret(fields, 'token'),
    datacenter,
    ttlMs: parseTtl(fields),
    deregisterAfterMs: parseDeregisterAfter(fields),
  };
}

function parseDatacenter(text: string): string | undefined {
  return /^[A-Za-z0-9_-]{1,255}$/.test(text) ? text : undefined;
}

function parseTtl(fields: Fields): number {
  const ttlMs = fields.parsed('ttl', 'a duration such as "30s"', parseDuration) ?? defaultTtlMs;
  if (ttlMs >= shortestTtlMs && ttlMs <= 3_600_000) return ttlMs;
  throw unexpected(fields.at('ttl'), 'a duration from 3s to 1h', fields.raw('ttl'));
}

function parseDeregisterAfter(fields: Fields): number | 'never' {
  const expected = 'a duration from 1m to 720h, or "never"';
  const parse = (text: string) => (text === 'never' ? text : parseDuration(text));
  const after = fields.parsed('deregisterAfter', expected, parse) ?? 3_600_000;
  if (after === 'never' || (after >= shortestDeregisterMs && after <= longestMs)) return after;
  throw unexpected(fields.at('deregisterAfter'), expected, fields.raw('deregisterAfter'));
}
