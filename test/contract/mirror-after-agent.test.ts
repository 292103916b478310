import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, type TestContext, test } from 'vitest';
import { type MirrorConfig, parseMirrors } from '../../lib/mirror/config.ts';
import { Deliverer } from '../../lib/mirror/delivery.ts';
import { deliverInline } from '../../lib/mirror/inline.ts';
import { toldKey } from '../../lib/mirror/told.ts';
import type { Store } from '../../lib/registry/store.ts';
import { requireConsul } from '../support/consul.ts';
import { ConsulServer } from '../support/consul-server.ts';
import { EtcdServers } from '../support/etcd.ts';
import { registerNumbered, temporaryStore } from '../support/registrations.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

type Server = AsyncDisposable & { readonly endpoints: readonly string[] };

const backends = {
  etcd: {
    ttl: '2s',
    requires: () => undefined,
    start: (dir: string): Promise<Server> => EtcdServers.start({ places: [{ address: '127.0.0.1' }], dir }),
  },
  consul: {
    ttl: '3s',
    requires: (context: TestContext) => requireConsul(context),
    start: (dir: string): Promise<Server> =>
      ConsulServer.start({ place: { address: '127.0.0.1' }, dir, store: 'memory' }),
  },
};

/** Longer than any of the times to live, in milliseconds. */
const goneMs = 6_000;
const noEnd = new AbortController().signal;

describe.each(Object.entries(backends))('%s', (type, { ttl, requires, start }) => {
  test('after an agent has ended, the next delivery without one takes all over that it has left', {
    timeout: 30_000,
  }, async (context) => {
    requires(context);
    using dir = temporaryDirectory();
    await using server = await start(dir.path);
    using temporary = temporaryStore();
    const { store } = temporary;
    const [mirror] = parseMirrors({ mirrors: [{ name: 'main', type, ttl, endpoints: server.endpoints }] });
    if (mirror === undefined) throw new Error('one mirror');
    registerNumbered(store, 1);
    await deliverAsAgent(mirror, store);

    const outcome = await deliverInline({
      ...{ mirrors: [mirror], store, revision: store.revision() },
      ...{ timeoutMs: 5_000, spentMs: 0 },
    });
    await sleep(goneMs);

    expect(outcome).toEqual([{ name: 'main', kind: type, state: 'delivered' }]);
    expect(await addresses(mirror)).toEqual(['10.1.0.1']);
  });
});

/** Its session is left, as by a process that ends. */
async function deliverAsAgent(mirror: MirrorConfig, store: Store): Promise<void> {
  await using registry = mirror.open({ node: store.node, session: 'held' });
  await new Deliverer(store, registry, toldKey(mirror, 'held')).deliver(noEnd);
}

/** What is healthy there. */
async function addresses(mirror: MirrorConfig): Promise<readonly string[]> {
  await using registry = mirror.open({ node: 'nobody', session: 'none' });
  const name = registry.nameOf({ namespace: 'default', service: 'web' });
  return (await registry.query(name, noEnd)).map(({ address }) => address);
}
