import { setTimeout as sleep } from 'node:timers/promises';
import { type Instance, isHealthy } from '../../lib/registry/instance.ts';
import { toHashedLabel } from '../../lib/registry/label.ts';
import type { Mirror } from '../../lib/registry/mirror.ts';
import { openStore } from '../../lib/registry/sqlite-store.ts';
import type { Store } from '../../lib/registry/store.ts';
import type { ServiceKey } from '../../lib/registry/view.ts';
import { bootId } from './registrations.ts';

/** How often a watch looks, in milliseconds. */
const pollMs = 5;

/** A second registry's file as an outside registry: each entry holds the whole instance, and whose it is. */
export function createStoreMirror({
  path,
  node,
  name,
}: {
  path: string;
  node: string;
  name: string;
}): Mirror {
  const withStore = <T>(signal: AbortSignal, work: (store: Store) => T): T => {
    signal.throwIfAborted();
    using store = openStore({ path, bootId });
    return work(store);
  };
  const entryOf = (instance: Instance) => toHashedLabel(`${instance.id}/${node}`);
  return {
    name,
    put: async (instances, signal) =>
      withStore(signal, (store) => {
        for (const instance of instances) {
          const meta = { node, instance: JSON.stringify(instance) };
          store.put({ ...instance, id: entryOf(instance), meta });
        }
      }),
    remove: async (instances, signal) => {
      withStore(signal, (store) => store.remove(instances.map(entryOf)));
    },
    listOwn: async (signal) =>
      withStore(signal, (store) =>
        store
          .instances()
          .filter(({ meta }) => meta.node === node)
          .map(originalOf),
      ),
    query: async (service, signal) => withStore(signal, (store) => healthyOf(store, service)),
    watch: (service, signal) => watch(path, service, signal),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function originalOf({ meta }: Instance): Instance {
  return JSON.parse(meta.instance ?? 'null');
}

function healthyOf(store: Store, { namespace, service }: ServiceKey): readonly Instance[] {
  return store
    .instances()
    .map(originalOf)
    .filter(
      (instance) => instance.namespace === namespace && instance.service === service && isHealthy(instance),
    );
}

async function* watch(path: string, service: ServiceKey, signal: AbortSignal) {
  using store = openStore({ path, bootId });
  let seen: number | undefined;
  while (!signal.aborted) {
    const version = store.dataVersion();
    if (version !== seen) yield healthyOf(store, service);
    seen = version;
    await sleep(pollMs, undefined, { signal }).catch(() => undefined);
  }
}
