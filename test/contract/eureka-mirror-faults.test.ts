import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach } from 'vitest';
import { EurekaRig, openEureka } from '../support/eureka-mirror.ts';
import { requireEureka } from '../support/java-servers.ts';
import { Link } from '../support/link.ts';
import { describeFaults } from '../support/mirror-faults.ts';

const ttlMs = 6_000;

beforeEach(requireEureka);

describeFaults('eureka', async () => {
  const stack = new AsyncDisposableStack();
  const rig = stack.use(new EurekaRig({ by: 'netflix' }));
  const server = await rig.server();
  const link = stack.use(await Link.to(server.endpoints[0] ?? ''));
  return {
    server,
    link,
    machine: (node) =>
      openEureka({ endpoints: [link.url], basePath: server.basePath }, node, {
        ...{ ttl: `${ttlMs / 1_000}s`, timeout: '1s' },
      }),
    faults: {
      'leases expired': async () => {
        link.cut();
        await sleep(ttlMs);
        link.heal();
      },
      'entries deleted': async () => {
        const { instances } = await rig.list();
        const mine = instances.filter(({ instanceId }) => instanceId.startsWith('1111111111111111:'));
        for (const { app, instanceId } of mine) await rig.ask('DELETE', app, instanceId);
      },
    },
    restarts: 8,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
});
