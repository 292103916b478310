// node scripts/bench/fill-registry.ts STORE NETWORK COUNT: registers so many containers, each in a transaction of its
// own as its ADD would, and ends.

import { readFileSync } from 'node:fs';
import { openStore } from '../../lib/registry/sqlite-store.ts';
import { addressOf } from './network.ts';

const [path = '', network = '', count = '0'] = process.argv.slice(2);
const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
const store = openStore({ path, bootId });
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
    instances: [
      {
        id: `${containerId}-eth0`,
        namespace: 'default',
        serviceName: containerId,
        address: addressOf(at),
        family: 4,
        port: 0,
        portName: '',
        transport: 'tcp',
        weight: 1,
        tags: [],
        meta: {},
        endpoint: '',
        status: 'passing',
      },
    ],
  });
}
store.close();
