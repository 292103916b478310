import { expect, test } from 'vitest';
import type { Liveness } from '../../../lib/attach/liveness.ts';
import { Leaks } from '../../../lib/blocks/leases/leaks.ts';
import type { LeasedAddress } from '../../../lib/blocks/leases/leases.ts';
import { formatAddress } from '../../../lib/net/address.ts';
import { address } from '../../support/blocks-tables.ts';
import { cidr } from '../../support/overlay-planes.ts';

const pools = [cidr('10.50.0.0/24')];
const dead: Liveness = { state: 'dead', because: 'its namespace is gone' };
const unknown: Liveness = { state: 'unknown', because: 'made by another program' };

/** One lease, which a test changes, and looks at it every minute. */
function createLooks(liveness: Liveness, text = '10.50.0.1') {
  let nowMs = 0;
  const lease = { address: address(text), owner: { containerId: 'c1', ifName: 'eth0' }, liveness };
  const found: { leases: LeasedAddress[]; routed: string[] } = { leases: [lease], routed: [] };
  const freed: string[] = [];
  const leaks = new Leaks({
    leases: {
      list: () => found.leases,
      free: (each) => freed.push(formatAddress(each.address)) > 0,
      routed: () => Promise.resolve(found.routed.map(address)),
    },
    intervalMs: 60_000,
    nowMs: () => nowMs,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  const look = (afterMs = 60_000) => {
    nowMs += afterMs;
    return leaks.look(pools);
  };
  return { leaks, look, found, freed, lease };
}

test('the lease of a dead container is freed when it is found so twice', async () => {
  const { leaks, look, freed } = createLooks(dead);

  await look();
  expect(leaks.suspects).toMatchObject([{ address: '10.50.0.1', because: 'its namespace is gone' }]);
  await look(1_000);
  expect(freed).toEqual([]);
  await look();

  expect(freed).toEqual(['10.50.0.1']);
  expect(leaks.suspects).toEqual([]);
  expect(leaks.reclaimed).toBe(1);
});

test('a container that has the address of one that was suspected is not', async () => {
  const { look, freed, found, lease } = createLooks(dead);
  await look();

  found.leases = [{ ...lease, owner: { containerId: 'c2', ifName: 'eth0' } }];
  await look();

  expect(freed).toEqual([]);
});

test.each([
  ['a container that nothing is known of', unknown, '10.50.0.1'],
  ['a container that lives', { state: 'live' } as const, '10.50.0.1'],
  ['an address of no pool', dead, '10.99.0.1'],
])('the lease of %s is never freed', async (_, liveness, text) => {
  const { leaks, look, freed } = createLooks(liveness, text);

  for (let round = 0; round < 3; round++) await look();

  expect(freed).toEqual([]);
  expect(leaks.suspects).toEqual([]);
});

test('a lease of a container that the kernel still routes to is kept, all of it, and told as suspect', async () => {
  const { leaks, look, freed, found, lease } = createLooks(dead);
  const other = { ...lease, address: address('10.50.0.2') };
  found.leases = [lease, other];
  found.routed = ['10.50.0.2'];

  for (let round = 0; round < 3; round++) await look();

  expect(freed).toEqual([]);
  expect(leaks.suspects.map(({ because }) => because)).toEqual([
    expect.stringContaining('routed to a container'),
    expect.stringContaining('routed to a container'),
  ]);
  found.routed = [];
  await look();
  expect(freed).toEqual(['10.50.0.1', '10.50.0.2']);
});
