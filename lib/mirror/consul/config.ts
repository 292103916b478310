import type { Fields } from '../../cni/fields.ts';
import { type HttpConfig, parseHttpConfig } from '../../http/config.ts';
import { parseSecret, type Secret } from '../../http/secret.ts';
import { durationField } from '../../registry/duration-field.ts';

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

/** @throws CniError code 7 naming the field */
export function parseConsulConfig(fields: Fields): ConsulConfig {
  const datacenter = fields.parsed('datacenter', 'letters, digits, "-" and "_"', parseDatacenter);
  return {
    http: parseHttpConfig(fields, 'http://127.0.0.1:8500'),
    token: parseSecret(fields, 'token'),
    datacenter,
    ttlMs: durationField(fields, 'ttl', { shortest: '3s', longest: '1h' }) ?? 30_000,
    deregisterAfterMs: parseDeregisterAfter(fields),
  };
}

function parseDatacenter(text: string): string | undefined {
  return /^[A-Za-z0-9_-]{1,255}$/.test(text) ? text : undefined;
}

function parseDeregisterAfter(fields: Fields): number | 'never' {
  if (fields.raw('deregisterAfter') === 'never') return 'never';
  // Consul takes no less than a minute for this.
  return (
    durationField(fields, 'deregisterAfter', { shortest: '1m', longest: '720h', or: 'never' }) ?? 3_600_000
  );
}
