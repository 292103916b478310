import { type Fields, unexpected } from '../../lib/cni/fields.ts';
import { parseDuration } from '../../lib/registry/duration.ts';

/** How the names of this host reach the others; README.md lists the fields. */
export type DiscoveryConfig = {
  /** Below it the hosts' instances are in etcd; without a slash at its end. */
  readonly prefix: string;
  /** How long a host's instances outlive its agent. */
  readonly ttlSeconds: number;
};

export const defaultPrefix = '/fairlead/registry';

/** In milliseconds. etcd itself makes a lease no shorter than about 2 s. */
const defaultTtlMs = 30_000;
const shortestTtlMs = 2_000;
const longestTtlMs = 3_600_000;

/** @throws CniError code 7 naming the field */
export function parseDiscoveryConfig(fields: Fields): DiscoveryConfig {
  fields.only('prefix', 'ttl');
  return {
    prefix: fields.parsed('prefix', 'a path such as /fairlead/registry', parsePrefix) ?? defaultPrefix,
    ttlSeconds: parseTtl(fields),
  };
}

function parsePrefix(text: string): string | undefined {
  return text.length <= 255 && /^(\/[\w.-]+)+$/.test(text) ? text : undefined;
}

/** Whole seconds: etcd knows no others. */
function parseTtl(fields: Fields): number {
  const ttlMs = fields.parsed('ttl', 'a duration such as "30s"', parseDuration) ?? defaultTtlMs;
  if (ttlMs >= shortestTtlMs && ttlMs <= longestTtlMs) return Math.ceil(ttlMs / 1000);
  throw unexpected(fields.at('ttl'), 'a duration from 2s to 1h', fields.raw('ttl'));
}
