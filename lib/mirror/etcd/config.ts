import type { Fields } from '../../cni/fields.ts';
import { type EtcdConfig, etcdFields, parseEtcdFields } from '../../etcd/config.ts';
import { parseZone } from '../../registry/config.ts';
import { durationField } from '../../registry/duration-field.ts';
import { defaultZone } from '../../registry/instance.ts';

/** How instances are written for the etcd plugin of CoreDNS, in the layout of SkyDNS. */
export type SkyDnsConfig = {
  /** CoreDNS's `path`; without a slash at its end. */
  readonly prefix: string;
  /** The domain of all names, without a dot at its end. */
  readonly zone: string;
  readonly ttlSeconds: number;
};

/** A registry in etcd; README.md lists the fields. */
export type EtcdMirrorConfig = {
  readonly etcd: EtcdConfig;
  /** Where the records are; without a slash at the end. */
  readonly prefix: string;
  /** How long entries outlive the process that renews them. */
  readonly ttlSeconds: number;
  /** Undefined: not for CoreDNS. */
  readonly skydns: SkyDnsConfig | undefined;
};

export const defaultPrefix = '/fairlead/registry';

export const etcdMirrorFields = [...etcdFields, 'prefix', 'ttl', 'skydns'] as const;

/** @throws CniError code 7 naming the field */
export function parseEtcdMirrorConfig(fields: Fields): EtcdMirrorConfig {
  const skydns = fields.object('skydns');
  return {
    etcd: parseEtcdFields(fields),
    ...parseRecordConfig(fields),
    skydns: skydns === undefined ? undefined : parseSkyDns(skydns),
  };
}

/** Reads `prefix` and `ttl`. @throws CniError code 7 naming the field */
export function parseRecordConfig(fields: Fields): Pick<EtcdMirrorConfig, 'prefix' | 'ttlSeconds'> {
  return { prefix: parsePrefix(fields, defaultPrefix), ttlSeconds: parseTtl(fields) };
}

function parseSkyDns(fields: Fields): SkyDnsConfig {
  fields.only('prefix', 'zone', 'ttl');
  return {
    prefix: parsePrefix(fields, '/skydns'),
    zone: fields.parsed('zone', 'a domain such as fairlead.internal', parseZone) ?? defaultZone,
    ttlSeconds: fields.integer('ttl', { min: 1, max: 3600 }) ?? 5,
  };
}

function parsePrefix(fields: Fields, fallback: string): string {
  const parse = (text: string) => (text.length <= 255 && /^(\/[\w.-]+)+$/.test(text) ? text : undefined);
  return fields.parsed('prefix', `a path such as ${fallback}`, parse) ?? fallback;
}

/** Whole seconds: etcd knows no others. */
function parseTtl(fields: Fields): number {
  // etcd itself makes a lease no shorter than about 2 s.
  return Math.ceil((durationField(fields, 'ttl', { shortest: '2s', longest: '1h' }) ?? 30_000) / 1000);
}
