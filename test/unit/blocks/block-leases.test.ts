import { mkdirSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { writeShare } from '../../../lib/blocks/share/share-file.ts';
import { formatAddress } from '../../../lib/net/address.ts';
import { createBlockLeases } from '../../../plugins/agent/block-leases.ts';
import { BlocksContainers } from '../../support/blocks-containers.ts';
import { network, noLinks, pathsOf } from '../../support/blocks-holder.ts';
import { address } from '../../support/blocks-tables.ts';
import { cidr } from '../../support/overlay-planes.ts';
import { realMachine } from '../../support/rig-registry.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { until } from '../../support/until.ts';

/** A host that leases from 10.50.0.0 to 10.50.0.7, and what the agent sees of it. */
function createHost() {
  const dir = temporaryDirectory();
  const { share, dataDir } = pathsOf({ dir: dir.path });
  const pool = cidr('10.50.0.0/24');
  const range = { pool, first: address('10.50.0.0'), last: address('10.50.0.7') };
  writeShare(share, { network, dataDir, mtu: 1_500, pools: [pool], families: [4], ranges: [range] });
  const containers = new BlocksContainers({ dir: dir.path });
  const leases = createBlockLeases({ network, dataDir }, { machine: realMachine, run: noLinks });
  return { containers, leases, dataDir, [Symbol.dispose]: () => dir[Symbol.dispose]() };
}

test('the leases of a network are those that host-local has made', () => {
  using host = createHost();
  expect(host.leases.addresses()).toEqual([]);
  expect(host.leases.whileLocked((leased) => leased)).toEqual({ kind: 'done', answer: [] });

  const [text] = host.containers.add('c1');

  expect(host.leases.addresses().map(formatAddress)).toEqual([text]);
  expect(host.leases.whileLocked((leased) => leased.map(formatAddress))).toEqual({
    kind: 'done',
    answer: [text],
  });
  expect(host.leases.list()).toMatchObject([
    { owner: { containerId: 'c1', ifName: 'eth0' }, liveness: { state: 'live' } },
  ]);
});

test('the lock of host-local is never waited for', () => {
  using host = createHost();
  host.containers.add('c1');
  const [lease] = host.leases.list();
  host.containers.die('c1');
  if (lease === undefined) throw new Error('nothing is leased');
  mkdirSync(`${host.dataDir}.fairlead/${network}/lock`);

  const startedAt = performance.now();
  expect(host.leases.whileLocked(() => 'looked')).toEqual({ kind: 'locked' });
  expect(host.leases.free(lease)).toBe(false);

  expect(performance.now() - startedAt).toBeLessThan(500);
});

test('a lease is freed only while its container is dead', () => {
  using host = createHost();
  host.containers.add('c1');
  const [lease] = host.leases.list();
  if (lease === undefined) throw new Error('nothing is leased');
  expect(host.leases.free(lease)).toBe(false);

  host.containers.die('c1');

  expect(host.leases.list()).toMatchObject([{ liveness: { state: 'dead' } }]);
  expect(host.leases.free(lease)).toBe(true);
  expect(host.leases.free(lease)).toBe(false);
  expect(host.leases.addresses()).toEqual([]);
});

test('who watches is woken by a lease, also after the directory was made anew', async () => {
  using host = createHost();
  const ended = new AbortController();
  let woken = 0;
  let next = 1;
  host.leases.watch(() => woken++, ended.signal);
  const wakes = () => {
    const before = woken;
    const container = `c${next++}`;
    host.containers.add(container);
    host.containers.del(container);
    return until(
      () => woken > before,
      'a wake-up',
      () => ` by ${container}`,
    );
  };
  try {
    // Whoever looks for the directory once a second has found it by then.
    host.containers.add('first');
    await sleep(1_500);
    await wakes();

    rmSync(`${host.dataDir}/${network}`, { recursive: true });
    await sleep(1_500);
    host.containers.add('again');
    await sleep(1_500);
    await wakes();
  } finally {
    ended.abort();
  }
});
