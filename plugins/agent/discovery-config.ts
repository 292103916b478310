import type { Fields } from '../../lib/cni/fields.ts';
import { type EtcdMirrorConfig, parseRecordConfig } from '../../lib/mirror/etcd/config.ts';

/** How the names of this host reach the others: where they are in etcd, and for how long; README.md lists the fields. */
export type DiscoveryConfig = Pick<EtcdMirrorConfig, 'prefix' | 'ttlSeconds'>;

/** @throws CniError code 7 naming the field */
export function parseDiscoveryConfig(fields: Fields): DiscoveryConfig {
  fields.only('prefix', 'ttl');
  return parseRecordConfig(fields);
}
