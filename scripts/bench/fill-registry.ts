// node scripts/bench/fill-registry.ts STORE NETWORK COUNT: registers so many containers, each in a transaction of its
// own as its ADD would, and ends.

import { openStore } from '../../lib/registry/sqlite-store.ts';
import { readBootId } from './boot.ts';
import { draftOf } from './draft.ts';
import { addressOf } from './network.ts';

const [path = '', network = '', count = '0'] = process.argv.slice(2);
const bootId = readBootId();
using store = openStore({ path, bootId });
for (let at = 0; at < Number(count); at++) {
  const containerId = `c${at}`;
  store.register({
    network,
    containerId,
    ifName: 'eth0',
    // Without a namespace that could be found gone: nothing sweeps it.
    proof: { bootId },
    startedAtUs: 0,
    gateways: [],
    declaration: {},
    instances: [draftOf({ id: `${containerId}-eth0`, serviceName: containerId, address: addressOf(at) })],
  });
}
