import { CniError } from '../../errors/cni-error.ts';
import { isMetaKey, isPrintable, mostDeclared } from '../../registry/config.ts';
import { highestWeight, type Instance } from '../../registry/instance.ts';
import { type Native, ownerOf, toInstance } from '../markings.ts';
import type { NacosConfig } from './config.ts';
import type { Host } from './host.ts';
import { type Metadata, tagsMarking, weightMarking, withoutPreserved } from './metadata.ts';
import { toKey, toServiceName } from './place.ts';

type ReadOptions = Pick<NacosConfig, 'group'> & { readonly name: string };

/**
 * An instance that stands in Nacos, as this machine knows instances; undefined for what cannot be one here, such as one
 * without an IP address.
 */
export function toRegistryInstance(host: Host, options: ReadOptions): Instance | undefined {
  try {
    return toInstance(toNative(host, options), options.name);
  } catch (error) {
    if (error instanceof CniError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function toNative(host: Host, options: ReadOptions): Native {
  const metadata = withoutPreserved(host.metadata);
  const isOurs = ownerOf(metadata) !== undefined;
  return {
    service: toServiceName(host, options),
    key: toKey(host),
    address: host.ip,
    port: host.port,
    status: host.healthy && host.enabled ? 'passing' : 'critical',
    weight: isOurs ? Number(metadata[weightMarking] ?? host.weight) : toWholeWeight(host.weight),
    tags: isOurs ? (JSON.parse(metadata[tagsMarking] ?? '[]') as readonly string[]) : [],
    meta: isOurs ? metadata : acceptable(metadata),
  };
}

/** Others' weights may be parts of one, which must not become none. */
function toWholeWeight(weight: number): number {
  return weight <= 0 ? 0 : Math.min(highestWeight, Math.max(1, Math.round(weight)));
}

/** Others write into their metadata what we would not: that is left out, and the instance stays. */
function acceptable(metadata: Metadata): Metadata {
  const pairs = Object.entries(metadata).filter(([name, text]) => isMetaKey(name) && isPrintable(text));
  return Object.fromEntries(pairs.slice(0, mostDeclared));
}
