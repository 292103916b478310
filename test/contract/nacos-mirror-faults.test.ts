import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach } from 'vitest';
import { requireNacos } from '../support/java-servers.ts';
import { Link } from '../support/link.ts';
import { describeFaults } from '../support/mirror-faults.ts';
import { NacosRig } from '../support/nacos-mirror.ts';

const ttlMs = 6_000;

beforeEach(requireNacos);

describeFaults('nacos', async () => {
  const stack = new AsyncDisposableStack();
  const rig = stack.use(new NacosRig({ version: 3 }));
  const server = await rig.server();
  const link = stack.use(await Link.to(server.endpoints[0] ?? ''));
  return {
    server,
    link,
    machine: (node) => rig.open({ endpoints: [link.url] }, node, { ttl: `${ttlMs / 1_000}s`, timeout: '1s' }),
    faults: {
      'heartbeats lost': async () => {
        link.cut();
        await sleep(ttlMs);
        link.heal();
      },
    },
    // It takes ten seconds to start.
    restarts: 4,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
});
