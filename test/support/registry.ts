import type { AttachmentKey } from '../../lib/registry/attachment.ts';
import type { Change, ContainerOwner, Instance } from '../../lib/registry/instance.ts';
import { RegistryView, type ViewedImports, type ViewedStore } from '../../lib/registry/view.ts';

const node = 'node-of-tests';

/** An instance over the API, passing, at 10.1.0.2:80 of service `web`, but for what a test says. */
export function instanceOf(said: Partial<Instance> = {}): Instance {
  return {
    id: 'web-1',
    revision: 1,
    namespace: 'default',
    service: 'web',
    serviceName: said.service ?? 'web',
    address: '10.1.0.2',
    family: said.address?.includes(':') ? 6 : 4,
    port: 80,
    portName: '',
    transport: 'tcp',
    weight: 1,
    tags: [],
    meta: {},
    endpoint: '',
    status: 'passing',
    owner: { kind: 'api', node },
    createdAtMs: 0,
    ...said,
  };
}

/** The owner of what a container offers. */
export function containerOwner(said: Partial<AttachmentKey & ContainerOwner> = {}): ContainerOwner {
  const network = said.network ?? 'net';
  const containerId = said.containerId ?? 'c1';
  return {
    kind: 'container',
    node,
    network,
    networkLabel: network,
    containerId,
    host: containerId,
    ifName: 'eth0',
    ...said,
  };
}

/** A view over instances that a test sets, and others' beside it; each call of `put` or `remove` is one commit. */
export function createViewFixture(
  first: readonly Instance[] = [],
  imports?: ViewedImports,
): {
  readonly view: RegistryView;
  readonly put: (...instances: Instance[]) => void;
  readonly remove: (...ids: string[]) => void;
} {
  const instances = new Map(first.map((instance) => [instance.id, instance]));
  const history: Change[] = [];
  let revision = 1;
  const store: ViewedStore = {
    dataVersion: () => revision,
    revision: () => revision,
    instances: () => [...instances.values()],
    changesSince: (since) => (since < 1 ? undefined : history.filter((change) => change.revision > since)),
  };
  const view = new RegistryView(store, imports);
  return {
    view,
    put: (...put) => {
      revision++;
      for (const each of put) {
        const instance = { ...each, revision };
        instances.set(instance.id, instance);
        history.push({ revision, kind: 'put', instance });
      }
    },
    remove: (...ids) => {
      revision++;
      for (const id of ids) {
        const instance = instances.get(id);
        if (instance === undefined) continue;
        instances.delete(id);
        history.push({ revision, kind: 'remove', instance });
      }
    },
  };
}
