import type { Fields } from '../../lib/cni/fields.ts';
import { type IfName, parseIfName } from '../../lib/net/ifname.ts';
import { defaultSubnetFile, parseMode, parseOuterWish } from '../../lib/overlay/outer-wish.ts';
import type { OverlaySettings } from '../../lib/overlay/settings.ts';
import { parseStorePath } from '../../lib/registry/config.ts';
import { parseDuration } from '../../lib/registry/duration.ts';

const defaultPrefix = '/coreos.com/network';
const defaultStateFile = '/var/lib/fairlead/overlay.json';
const dayMs = 86_400_000;

/**
 * The block `overlay`; README.md lists the fields.
 * @throws CniError code 7 naming the field
 */
export function parseAgentOverlayConfig(fields: Fields): OverlaySettings {
  fields.only(
    ...['prefix', 'interface', 'publicIP', 'publicIPv6', 'mode', 'bridge', 'leaseTTL', 'subnetFile'],
    ...['stateFile', 'ipMasq', 'resyncInterval'],
  );
  const path = (name: string) => fields.parsed(name, 'an absolute path', parseStorePath);
  return {
    prefix: fields.parsed('prefix', 'a path such as /coreos.com/network', parseStorePath) ?? defaultPrefix,
    outer: parseOuterWish(fields),
    mode: parseMode(fields),
    bridge: fields.parsed('bridge', 'the name of an interface', parseIfName) ?? ('cni0' as IfName),
    leaseTtlSeconds: parseLeaseTtl(fields),
    subnetFile: path('subnetFile') ?? defaultSubnetFile,
    stateFile: path('stateFile') ?? defaultStateFile,
    ipMasq: fields.boolean('ipMasq') ?? false,
    resyncMs: fields.parsed('resyncInterval', 'a duration such as "10s"', parseDuration) ?? 10_000,
  };
}

/** Shorter, and a moment without etcd would cost the lease. */
const shortestTtlMs = 3_000;

function parseLeaseTtl(fields: Fields): number {
  const ttlMs = fields.parsed('leaseTTL', 'a duration of at least 3s, such as "24h"', (text) => {
    const parsedMs = parseDuration(text);
    return parsedMs !== undefined && parsedMs >= shortestTtlMs ? parsedMs : undefined;
  });
  return Math.ceil((ttlMs ?? dayMs) / 1000);
}
