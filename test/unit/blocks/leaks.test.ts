import { expect, test } from 'vitest';
import type { Liveness } from '../../../lib/attach/liveness.ts';
import { Leaks } from '../../../lib/blocks/leaks.ts';
import type { LeasedAddress } from '../../../lib/blocks/leases.ts';
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
  const found: { leases: LeasedAddress[] } = { leases: [lease] };
  const freed: string[] = [];
  const leaks = new Leaks({
    leases: { list: () => found.leases, free: (each) => freed.push(formatAddress(each.address)) > 0 },
    intervalMs: 60_000,
    nowMs: () => nowMs,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  const look = (afterMs = 60_000) => {
    nowMs += afterMs;
    leaks.look(pools);
  };
  return { leaks, look, found, freed, lease };
}

test('the lease of a dead container is freed when it is found so twice', () => {
  const { leaks, look, freed } = createLooks(dead);

  look();
  expect(leaks.suspects).toMatchObject([{ address: '10.50.0.1', because: 'its namespace is gone' }]);
  look(1_000);
  expect(freed).toEqual([]);
  look();

  expect(freed).toEqual(['10.50.0.1']);
  expect(leaks.suspects).toEqual([]);
  expect(leaks.reclaimed).toBe(1);
});

test('a container that has the address of one that was suspected is not', () => {
  const { look, freed, found, lease } = createLooks(dead);
  look();

  found.leases = [{ ...lease, owner: { containerId: 'c2', ifName: 'eth0' } }];
  look();

  expect(freed).toEqual([]);
});

test.each([
  ['a container that nothing is known of', unknown, '10.50.0.1'],
  ['a container that lives', { state: 'live' } as const, '10.50.0.1'],
  ['an address of no pool', dead, '10.99.0.1'],
])('the lease of %s is never freed', (_, liveness, text) => {
  const { leaks, look, freed } = createLooks(liveness, text);

  for (let round = 0; round < 3; round++) look();

  expect(freed).toEqual([]);
  expect(leaks.suspects).toEqual([]);
});
