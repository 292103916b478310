import { expect, test } from 'vitest';
import { formatAddress } from '../../../lib/net/address.ts';
import { formatCidr } from '../../../lib/net/cidr.ts';
import type { Reachability } from '../../../lib/routing/router.ts';
import { wantedOf } from '../../../lib/routing/wanted.ts';
import { pools4, pools6, reachabilityOf } from '../../support/routing.ts';

const linesOf = (reachability: Reachability) =>
  wantedOf(reachability).map(({ dst, host, nextHop }) =>
    [formatCidr(dst), host, nextHop === undefined ? 'nowhere' : formatAddress(nextHop)].join(' '),
  );

test('blocks of other hosts are wanted, each at its host’s address of the same family', () => {
  const hosts = [{ number: 1 }, { number: 2, blocks: ['10.50.2.0/26', 'fd00:50::200/122'] }];

  expect(linesOf(reachabilityOf(1, hosts, [...pools4, ...pools6]))).toEqual([
    '10.50.2.0/26 node-2 192.0.2.2',
    'fd00:50::200/122 node-2 2001:db8:5::2',
  ]);
});

test('a lent address is wanted where it is: by its block’s host and by all others but the borrower', () => {
  const hosts = [{ number: 1 }, { number: 2, lent: { '10.50.2.7': 1 } }, { number: 3 }];

  expect(linesOf(reachabilityOf(1, hosts))).not.toContain('10.50.2.7/32 node-1 192.0.2.1');
  expect(linesOf(reachabilityOf(2, hosts))).toContain('10.50.2.7/32 node-1 192.0.2.1');
  expect(linesOf(reachabilityOf(3, hosts))).toContain('10.50.2.7/32 node-1 192.0.2.1');
});

test('of two blocks that overlap the older is wanted', () => {
  const hosts = [{ number: 1 }, { number: 3, blocks: ['10.50.2.0/25'] }, { number: 2 }];

  expect(linesOf(reachabilityOf(1, hosts))).toEqual(['10.50.2.0/26 node-2 192.0.2.2']);
});

test('a host without a record, or without an address of the family, is wanted all the same', () => {
  const hosts = [{ number: 1 }, { number: 2, addresses: ['2001:db8:5::2'] }, { number: 3 }];
  const reachability = reachabilityOf(1, hosts);
  const table = { ...reachability.table, hosts: new Map([...reachability.table.hosts].slice(0, 2)) };

  expect(linesOf({ ...reachability, table })).toEqual([
    '10.50.2.0/26 node-2 nowhere',
    '10.50.3.0/26 id-3 nowhere',
  ]);
});
