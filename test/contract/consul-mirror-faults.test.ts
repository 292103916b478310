import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach } from 'vitest';
import { requireConsul } from '../support/consul.ts';
import { openConsul } from '../support/consul-mirror.ts';
import { ConsulServer } from '../support/consul-server.ts';
import { Link } from '../support/link.ts';
import { describeFaults } from '../support/mirror-faults.ts';
import type { RegistryServer } from '../support/registry-server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const managementToken = 'aaaaaaaa-0000-4000-8000-000000000001';
const token = 'aaaaaaaa-0000-4000-8000-000000000002';
const accessor = 'aaaaaaaa-0000-4000-8000-000000000003';

beforeEach(requireConsul);

describeFaults('consul', async () => {
  const stack = new AsyncDisposableStack();
  const { path: dir } = stack.use(temporaryDirectory());
  const place = { address: '127.0.0.1' };
  const server = stack.use(await ConsulServer.start({ place, dir, acl: { managementToken } }));
  await giveToken(server);
  const link = stack.use(await Link.to(server.endpoints[0] ?? ''));
  return {
    server: withToken(server),
    link,
    machine: (node) =>
      openConsul(
        { endpoints: [link.url], token, ttl: '4s', timeout: '500ms' },
        { name: `consul-${node}`, node },
      ),
    faults: {
      'services deregistered': () => deregister(server, 'fairlead-1111111111111111-'),
      'the host deregistered': () => deregister(server, 'fairlead-agent-1111111111111111'),
      'token revoked': async (ms) => {
        await server.call(`/v1/acl/token/${accessor}`, { method: 'DELETE' });
        await sleep(ms);
        await giveToken(server);
      },
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
});

/** The mirrors' token; a server that was emptied has none. */
async function giveToken(server: ConsulServer): Promise<void> {
  const policy = {
    Name: 'mirrors',
    Rules:
      'service_prefix "" { policy = "write" } node_prefix "" { policy = "read" } agent_prefix "" { policy = "read" }',
  };
  await server.call('/v1/acl/policy', { method: 'PUT', body: policy });
  const body = { AccessorID: accessor, SecretID: token, Policies: [{ Name: policy.Name }] };
  await server.call('/v1/acl/token', { method: 'PUT', body });
}

/** By somebody else. */
async function deregister(server: ConsulServer, prefix: string): Promise<void> {
  const { body } = await server.call('/v1/agent/services');
  const ids = Object.keys(body ?? {}).filter((id) => id.startsWith(prefix));
  for (const id of ids) await server.call(`/v1/agent/service/deregister/${id}`, { method: 'PUT' });
}

/** A server that is as it was at the beginning whenever it begins anew. */
function withToken(server: ConsulServer): RegistryServer {
  return {
    ...{ endpoints: server.endpoints, log: server.log },
    kill: () => server.kill(),
    restart: () => server.restart(),
    wipe: async () => {
      await server.wipe();
      await giveToken(server);
    },
    stop: () => server.stop(),
    cont: () => server.cont(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
