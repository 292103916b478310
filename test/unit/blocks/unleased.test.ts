import { expect, test } from 'vitest';
import { Unleased } from '../../../lib/blocks/leases/unleased.ts';
import { formatAddress } from '../../../lib/net/address.ts';
import { address } from '../../support/blocks-tables.ts';
import { cidr } from '../../support/overlay-planes.ts';

const pools = [cidr('10.50.0.0/24')];

/** Two containers with one lease, and one of another network, and looks every minute. */
function createLooks() {
  const host = { routed: ['10.50.0.1', '10.50.0.2', '10.99.0.1'], leased: ['10.50.0.1'], nowMs: 0, asked: 0 };
  const told: (readonly string[])[] = [];
  const unleased = new Unleased({
    leases: {
      addresses: () => host.leased.map(address),
      routed: () => {
        host.asked++;
        return Promise.resolve(host.routed.map(address));
      },
    },
    problems: { set: (_, texts) => told.push(texts) },
    intervalMs: 60_000,
    nowMs: () => host.nowMs,
  });
  return { host, told, unleased };
}

test('a container without a lease has its address at once, and is told when it is found again', async () => {
  const { host, told, unleased } = createLooks();

  await unleased.refresh(pools);
  expect(unleased.addresses.map(formatAddress)).toEqual(['10.50.0.2']);
  expect(told).toEqual([[]]);

  host.nowMs = 5_000;
  await unleased.refresh(pools);
  expect(told.at(-1)).toEqual([
    expect.stringMatching(/^10\.50\.0\.2 is routed to a container here, but no lease is there/),
  ]);
});

test('it has it no more when its route has gone, or a lease is there', async () => {
  const { host, told, unleased } = createLooks();
  await unleased.look(pools);
  await unleased.look(pools);

  host.leased.push('10.50.0.2');
  await unleased.look(pools);

  expect(unleased.addresses).toEqual([]);
  expect(told.at(-1)).toEqual([]);
});

test('the kernel is asked once in a while where every container has a lease', async () => {
  const { host, unleased } = createLooks();
  host.routed = ['10.50.0.1'];

  for (host.nowMs = 0; host.nowMs < 60_000; host.nowMs += 1_000) await unleased.refresh(pools);

  expect(host.asked).toBe(1);
});
