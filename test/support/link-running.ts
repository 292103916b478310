import { readFileSync } from 'node:fs';
import { awaitRunning } from '../../lib/exec/link-running.ts';
import { carryOutLinks } from '../../lib/exec/link-shortcut.ts';
import type { IfName } from '../../lib/net/ifname.ts';
import type { Mac } from '../../lib/net/mac.ts';
import type { IpOperation } from '../../lib/plan/operation.ts';

// Makes ports of the bridge br0 of its own namespace, one after the other, waits for each to carry packets, and prints in
// JSON the states in which the bridge then has them; at last that of one whose peer is down. Argument: how many.

const sleep = (ms: number) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
const count = Number(process.argv[2]);
const states = Array.from({ length: count }, (_, index) => stateOf(index, true));
console.log(JSON.stringify([...states, stateOf(count, false)]));

function stateOf(index: number, isConnected: boolean): string {
  const [name, peer] = [`v${index}` as IfName, `p${index}` as IfName];
  const [near, far] = ['02:00:00:00:00:01' as Mac, '02:00:00:00:00:02' as Mac];
  const operations: readonly IpOperation[] = [
    { kind: 'add-veth', name, mac: near, mtu: 1500, peer: { name: peer, mac: far } },
    { kind: 'set-master', name, master: 'br0' as IfName },
    { kind: 'set-up', name },
  ];
  if (carryOutLinks(operations) !== operations.length) throw new Error(`${name} was not made`);
  // Until the kernel has seen that the peer is down, the bridge takes the port for one that carries packets.
  sleep(20);
  if (isConnected) carryOutLinks([{ kind: 'set-up', name: peer }]);
  const isRunning = awaitRunning(name, { sleep });
  return `${isRunning} ${readFileSync(`/sys/class/net/${name}/brport/state`, 'utf8').trim()}`;
}
