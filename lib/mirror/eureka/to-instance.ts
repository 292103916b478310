import type { Instance, Status } from '../../registry/instance.ts';
import {
  markedTags,
  type Native,
  ownerOf,
  statusMarking,
  toInstanceOrNone,
  weightMarking,
} from '../markings.ts';
import type { InstanceInfo } from './instance-info.ts';

/**
 * An instance that stands in Eureka, as this machine knows instances; undefined for what cannot be one here.
 * @param registry the mirror's name
 */
export function toRegistryInstance(info: InstanceInfo, registry: string): Instance | undefined {
  return toInstanceOrNone(() => toNative(info), registry);
}

function toNative({ app, instanceId, ipAddr, port, status, metadata }: InstanceInfo): Native {
  const isOurs = ownerOf(metadata) !== undefined;
  return {
    service: app,
    key: instanceId,
    address: ipAddr,
    port,
    status: toStatus(status, metadata),
    weight: isOurs ? Number(metadata[weightMarking] ?? '1') : 1,
    tags: isOurs ? markedTags(metadata) : [],
    meta: metadata,
  };
}

/** What counts is the registry's: an operator may have set it there. */
function toStatus(status: string, metadata: InstanceInfo['metadata']): Status {
  if (status === 'UP') return 'passing';
  if (status !== 'OUT_OF_SERVICE') return 'critical';
  return metadata[statusMarking] === 'draining' ? 'draining' : 'maintenance';
}
