import { beforeEach } from 'vitest';
import { requireConsul } from '../support/consul.ts';
import { emptyConsul, openConsul } from '../support/consul-mirror.ts';
import { ConsulServer } from '../support/consul-server.ts';
import { Link } from '../support/etcd-link.ts';
import { describeFaults } from '../support/mirror-faults.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const mine = 'fairlead-1111111111111111-';

beforeEach(requireConsul);

describeFaults('consul', async () => {
  const stack = new AsyncDisposableStack();
  const { path: dir } = stack.use(temporaryDirectory());
  const server = stack.use(await ConsulServer.start({ place: { address: '127.0.0.1' }, dir }));
  const link = stack.use(await Link.to(server.endpoints[0] ?? ''));
  return {
    server,
    link,
    machine: (node) =>
      openConsul({ endpoints: [link.url], ttl: '4s', timeout: '500ms' }, { name: `consul-${node}`, node }),
    faults: {
      'services deregistered': () => emptyConsul(server, mine),
      'the host deregistered': () => emptyConsul(server, 'fairlead-agent-1111111111111111'),
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
});
