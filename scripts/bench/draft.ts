import type { InstanceDraft } from '../../lib/registry/attachment.ts';

/** An instance that is well and of which nothing else is said. */
export function draftOf({
  id,
  serviceName,
  address,
}: Pick<InstanceDraft, 'id' | 'serviceName' | 'address'>): InstanceDraft {
  return {
    id,
    namespace: 'default',
    serviceName,
    address,
    family: 4,
    port: 0,
    portName: '',
    transport: 'tcp',
    weight: 1,
    tags: [],
    meta: {},
    endpoint: '',
    status: 'passing',
  };
}
