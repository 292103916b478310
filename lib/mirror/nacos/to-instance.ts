import { highestWeight, type Instance } from '../../registry/instance.ts';
import { type Claim, isOurs, markedTags, type Native, toInstanceOrNone, weightMarking } from '../markings.ts';
import type { NacosConfig } from './config.ts';
import type { Host } from './host.ts';
import { withoutPreserved } from './metadata.ts';
import { groupedService, toGroupedName, toKey, toServiceName } from './place.ts';

type ReadOptions = Pick<NacosConfig, 'group'> & { readonly name: string };

/**
 * An instance that stands in Nacos, as this machine knows instances; undefined for what cannot be one here, such as one
 * without an IP address.
 */
export function toRegistryInstance(host: Host, options: ReadOptions): Instance | undefined {
  return toInstanceOrNone(() => toNative(host, options), options.name);
}

function toNative(host: Host, options: ReadOptions): Native {
  const metadata = withoutPreserved(host.metadata);
  // Instances have no id of their own here: the service is all that a place tells.
  const isPlaceOf = (claim: Claim) => toGroupedName(groupedService(claim, options)) === toGroupedName(host);
  const areBelieved = isOurs({ meta: metadata, isPlaceOf });
  return {
    service: toServiceName(host, options),
    isPlaceOf,
    key: toKey(host),
    address: host.ip,
    port: host.port,
    status: host.healthy && host.enabled ? 'passing' : 'critical',
    weight: areBelieved ? Number(metadata[weightMarking] ?? host.weight) : toWholeWeight(host.weight),
    tags: areBelieved ? markedTags(metadata) : [],
    meta: metadata,
  };
}

/** Others' weights may be parts of one, which must not become none. */
function toWholeWeight(weight: number): number {
  return weight <= 0 ? 0 : Math.min(highestWeight, Math.max(1, Math.round(weight)));
}
