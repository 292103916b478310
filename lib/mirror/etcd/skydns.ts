import { parseAddress } from '../../net/address.ts';
import { type Instance, isHealthy } from '../../registry/instance.ts';
import { toHashedLabel } from '../../registry/label.ts';
import { ownerOf } from '../markings.ts';
import type { Entry } from '../mirror.ts';
import type { SkyDnsConfig } from './config.ts';

/** The field of a value that says whose it is; CoreDNS passes over what it does not know. */
const nodeField = 'fairlead-node';

/** Behind all others: takes no traffic while another is there. */
const lastPriority = 20;
const usualPriority = 10;

/**
 * An instance as the etcd plugin of CoreDNS reads it, under the names that this machine's own DNS has for it: that of its
 * service while it is healthy, its own, and its address's reverse name.
 */
export function renderSkyDns(instance: Instance, node: string, config: SkyDnsConfig): readonly Entry[] {
  const { namespace, service, owner } = instance;
  // Two machines may have the same id.
  const id = toHashedLabel(`${instance.id}/${node}`);
  const ofService = [id, service, namespace, 'svc'];
  const ofHost = owner.kind === 'container' ? [id, owner.host, owner.networkLabel] : undefined;
  const target = [...(ofHost?.slice(1) ?? ofService), config.zone].join('.');
  const content = renderTarget(instance, node, config);
  return [
    ...(isHealthy(instance) ? [{ key: keyOf(ofService, config), content }] : []),
    ...(ofHost === undefined ? [] : [{ key: keyOf(ofHost, config), content }]),
    { key: reverseKey(instance.address, config), content: renderName(target, node, config) },
  ];
}

/** Whether a key is an address's: the only ones that two machines may both want, each for a network of its own. */
export function isReverseKey(key: string, { prefix }: SkyDnsConfig): boolean {
  return key.startsWith(`${prefix}/arpa/`);
}

/** The machine that has written a value; undefined for somebody else's. */
export function parseSkyDnsOwner(value: string): string | undefined {
  try {
    const json: unknown = JSON.parse(value);
    return typeof json === 'object' && json !== null ? ownerOf(json as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function renderTarget(
  { address, port, weight }: Instance,
  node: string,
  { ttlSeconds }: SkyDnsConfig,
): string {
  return JSON.stringify({
    host: address,
    port,
    priority: weight === 0 ? lastPriority : usualPriority,
    // 0 would be taken for the default.
    weight: Math.max(weight, 1),
    ttl: ttlSeconds,
    [nodeField]: node,
  });
}

function renderName(host: string, node: string, { ttlSeconds }: SkyDnsConfig): string {
  return JSON.stringify({ host, ttl: ttlSeconds, [nodeField]: node });
}

/** The labels of a name from right to left. */
function keyOf(labels: readonly string[], { prefix, zone }: SkyDnsConfig): string {
  return `${prefix}/${[...labels, ...zone.split('.')].toReversed().join('/')}`;
}

/** RFC 1035, section 3.5, and RFC 3596, section 2.5, read from right to left. */
function reverseKey(address: string, { prefix }: SkyDnsConfig): string {
  const parsed = parseAddress(address);
  if (parsed?.family !== 6) return `${prefix}/arpa/in-addr/${address.split('.').join('/')}`;
  return `${prefix}/arpa/ip6/${[...parsed.bits.toString(16).padStart(32, '0')].join('/')}`;
}
