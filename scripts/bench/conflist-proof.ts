import { inside, mustInside, startBeside, tryInside } from '../../test/support/process.ts';
import type { Attaching } from './attaching.ts';
import { addressesOf } from './call.ts';
import { type Extent, hostPortOf, mappedPorts, sysctl } from './conflist.ts';
import type { Rig } from './rig.ts';

/** Who answers at the container's ports; ready when it listens at all of them. */
const server = `const { createServer } = require('node:net');
let open = 0;
for (const port of [${mappedPorts}])
  createServer((socket) => socket.end('here')).listen(port, () => ++open === ${mappedPorts.length} && console.log('ready'));`;

/** Whether an address's port answers; the process ends well only then. */
const client = `const [address, port] = process.argv.slice(1);
require('node:net').connect({ host: address, port: Number(port), timeout: 2_000 })
  .on('data', (text) => process.exit(String(text) === 'here' ? 0 : 1))
  .on('timeout', () => process.exit(1)).on('error', () => process.exit(1)).on('close', () => process.exit(1));`;

/**
 * Attaches and detaches one container before anything is measured: whoever passes over what a conflist asks for is
 * quick.
 * @throws Error saying what the container has not got
 */
export async function proveConflist(rig: Rig, attaching: Attaching, extent: Extent): Promise<void> {
  const netns = await rig.container();
  const attachment = { containerId: 'proof', netns, ifName: 'eth0', hasDefaultRoute: true };
  const { host, name, toAdd, toDel } = attaching;
  const added = await host.call(toAdd(attachment));
  const container = netns.replace(/.*\//, '');
  const [address = ''] = addressesOf(added);
  const gateway = address.replace(/\.\d+\.\d+$/, '.0.1');
  await using _server = await startBeside('nsenter', inside(container, process.execPath, '-e', server));
  for (const offset of mappedPorts.keys()) {
    const port = hostPortOf(attachment) + offset;
    const { status } = await tryInside(host.name, process.execPath, '-e', client, gateway, String(port));
    if (status !== 0) throw new Error(`${name}: nobody answers at the host's port ${port} after the ADD`);
  }
  if (extent === 'whole') await requireSysctl(container, name);
  await host.call(toDel(attachment, added));
}

async function requireSysctl(container: string, name: string): Promise<void> {
  for (const [key, wanted] of Object.entries(sysctl)) {
    const found = await mustInside(container, 'cat', `/proc/sys/${key.replaceAll('.', '/')}`);
    if (found.trim() !== wanted)
      throw new Error(`${name}: ${key} is ${found.trim()} after the ADD, not ${wanted}`);
  }
}
