import { expect, test } from 'vitest';
import type { NetlinkSocket } from '../../../lib/exec/netlink-socket.ts';
import { findNftChains } from '../../../lib/exec/nft-names.ts';

/** A netfilter that ends requests with these error numbers, and the count of requests of each time it was asked. */
function netfilterOf(...ends: readonly number[]) {
  const asked: number[] = [];
  const left = [...ends];
  const socket: NetlinkSocket = {
    ask: (requests) => {
      asked.push(requests.length);
      return requests.map(() => left.shift() ?? 0);
    },
    renew: () => undefined,
    [Symbol.dispose]: () => undefined,
  };
  return { asked, open: () => socket };
}

const forward = { table: 'filter', chain: 'FORWARD' };
const wanted = (['ip', 'ip6'] as const).map((family) => ({ family, ...forward }));

test('a chain that is absent, or a kernel without nftables, is no failure', () => {
  expect(findNftChains(wanted, netfilterOf(2, 0).open)).toEqual([{ family: 'ip6', ...forward }]);
  expect(findNftChains(wanted, netfilterOf(22, 95).open)).toEqual([]);
  expect(findNftChains(wanted, () => undefined)).toEqual([]);
});

test('who is not permitted is told so by the first request, after which none would be answered', () => {
  const { asked, open } = netfilterOf(1);

  expect(() => findNftChains(wanted, open)).toThrow('not permitted: run with CAP_NET_ADMIN');
  expect(asked).toEqual([1]);
});
