import { defaultDataDir } from '../../ipam/host-local/config.ts';
import { type BlocksSettings, defaultBlockPrefix } from '../../lib/blocks/settings.ts';
import { defaultShareFile } from '../../lib/blocks/share/share.ts';
import type { Fields } from '../../lib/cni/fields.ts';
import { isContainerId } from '../../lib/cni/invocation.ts';
import { parseOuterWish } from '../../lib/overlay/kernel/outer-wish.ts';
import { parseStorePath } from '../../lib/registry/config.ts';
import { durationField } from '../../lib/registry/duration-field.ts';

/**
 * The block `blocks`; README.md lists the fields.
 * @throws CniError code 7 naming the field
 */
export function parseAgentBlocksConfig(fields: Fields): BlocksSettings {
  fields.only(
    ...['prefix', 'network', 'interface', 'publicIP', 'publicIPv6', 'mtu', 'spare', 'releaseAfter'],
    ...['leakInterval', 'hostTTL', 'shareFile', 'dataDir'],
  );
  const path = (name: string) => fields.parsed(name, 'an absolute path', parseStorePath);
  return {
    prefix: fields.parsed('prefix', 'a path such as /fairlead/ipam', parseStorePath) ?? defaultBlockPrefix,
    network: fields.parsed('network', 'the name of a CNI network', parseNetwork) ?? 'routed',
    outer: parseOuterWish(fields),
    mtu: fields.integer('mtu', mtuLimits),
    spare: fields.integer('spare', spareLimits) ?? 16,
    releaseAfterMs: durationField(fields, 'releaseAfter', patience) ?? 60_000,
    leakIntervalMs: durationField(fields, 'leakInterval', patience) ?? 60_000,
    hostTtlSeconds: Math.ceil((durationField(fields, 'hostTTL', ttlLimits) ?? 15_000) / 1000),
    shareFile: path('shareFile') ?? defaultShareFile,
    dataDir: path('dataDir') ?? defaultDataDir,
  };
}

/** The least that every IPv4 host must take (RFC 791), and the most that a packet can have. */
const mtuLimits = { min: 576, max: 65_535 } as const;

const spareLimits = { min: 1, max: 65_536 } as const;

const patience = { shortest: '1s', longest: '24h' } as const;

/** Shorter, and etcd would make a longer one of it; longer, and a host that is gone would be asked for addresses. */
const ttlLimits = { shortest: '2s', longest: '1h' } as const;

/** As the specification has names, which stand in paths. */
function parseNetwork(text: string): string | undefined {
  return isContainerId(text) && text.length <= 200 ? text : undefined;
}
