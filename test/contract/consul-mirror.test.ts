import { afterAll, beforeEach, vi } from 'vitest';
import { requireConsul } from '../support/consul.ts';
import { emptyConsul, openConsul } from '../support/consul-mirror.ts';
import { ConsulServer } from '../support/consul-server.ts';
import { describeMirror, type MirrorSubject } from '../support/mirror-contract.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const stack = new AsyncDisposableStack();
let server: ConsulServer | undefined;

// A machine with much else to do is slow.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });
beforeEach(requireConsul);

afterAll(() => stack.disposeAsync());

describeMirror('consul', async (): Promise<MirrorSubject> => {
  server ??= await start();
  const consul = server;
  await emptyConsul(consul);
  return {
    machine: (node) =>
      openConsul({ endpoints: consul.endpoints, timeout: '2s' }, { name: `consul-${node}`, node }),
    forge: async ({ name, address, metadata }) => {
      const body = { ID: 'forged', Name: name, Address: address, Port: 80, Meta: metadata };
      await consul.call('/v1/agent/service/register', { method: 'PUT', body });
    },
    outage: async () => {
      await consul.kill();
      return { [Symbol.asyncDispose]: () => consul.restart() };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
});

async function start(): Promise<ConsulServer> {
  const { path: dir } = stack.use(temporaryDirectory());
  return stack.use(await ConsulServer.start({ place: { address: '127.0.0.1' }, dir, store: 'memory' }));
}
