import type { Instance, Status } from '../../registry/instance.ts';
import {
  type Claim,
  isOurs,
  markedTags,
  type Native,
  statusMarking,
  toInstanceOrNone,
  weightMarking,
} from '../markings.ts';
import type { InstanceInfo } from './instance-info.ts';
import { toKey, toPlace } from './registration.ts';

/**
 * An instance that stands in Eureka, as this machine knows instances; undefined for what cannot be one here.
 * @param registry the mirror's name
 */
export function toRegistryInstance(info: InstanceInfo, registry: string): Instance | undefined {
  return toInstanceOrNone(() => toNative(info), registry);
}

function toNative({ app, instanceId, ipAddr, port, status, metadata }: InstanceInfo): Native {
  const isPlaceOf = (claim: Claim) => toKey(toPlace(claim, claim)) === toKey({ app, instanceId });
  const areBelieved = isOurs({ meta: metadata, isPlaceOf });
  return {
    service: toLowerCase(app),
    isPlaceOf,
    key: instanceId,
    address: ipAddr,
    port,
    status: toStatus(status, metadata),
    weight: areBelieved ? Number(metadata[weightMarking] ?? '1') : 1,
    tags: areBelieved ? markedTags(metadata) : [],
    meta: metadata,
  };
}

/** Upper case is Eureka's own doing. Other letters stay: more than one may have the same small one. */
function toLowerCase(app: string): string {
  return app.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** What counts is the registry's: an operator may have set it there. */
function toStatus(status: string, metadata: InstanceInfo['metadata']): Status {
  if (status === 'UP') return 'passing';
  if (status !== 'OUT_OF_SERVICE') return 'critical';
  return metadata[statusMarking] === 'draining' ? 'draining' : 'maintenance';
}
