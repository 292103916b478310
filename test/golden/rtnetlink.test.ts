import { expect, test } from 'vitest';
import { renderIp } from '../../lib/iproute/render.ts';
import type { IfName } from '../../lib/net/ifname.ts';
import { encodeOperation } from '../../lib/rtnetlink/encode.ts';
import type { Numbers } from '../../lib/rtnetlink/numbers.ts';
import { everyLinkOperation } from '../support/every-link-operation.ts';

// The message for each line of `ip`: its type and flags, and its bytes. That they are those of `ip` is a contract test's.

const numbers: Numbers = {
  indexOf: (link) => ({ br0: 2, v0: 3 })[link as string],
  netnsOf: (path) => (path === '/run/netns/c1' ? 9 : undefined),
};

test('the messages of rtnetlink', async () => {
  const text = everyLinkOperation.map((operation) => {
    const { type, flags, body } = encodeOperation(operation, numbers) ?? { type: 0, flags: 0, body: '' };
    return `${renderIp(operation)}\n  ${type} ${flags.toString(16)} ${body.toString('hex')}\n`;
  });

  await expect(text.join('')).toMatchFileSnapshot('expected/rtnetlink.txt');
});

test('the peer of a pair is made in the namespace that a descriptor names', () => {
  const [pair] = everyLinkOperation;
  if (pair?.kind !== 'add-veth') throw new Error('the first operation makes a pair');
  const inNetns = (netns: string) => encodeOperation({ ...pair, peer: { ...pair.peer, netns } }, numbers);

  // IFLA_NET_NS_FD with 9.
  expect(inNetns('/run/netns/c1')?.body.toString('hex')).toContain('08001c0009000000');
  expect(inNetns('/run/netns/gone')).toBeUndefined();
});

test('what is of a link that is not there, or of two families, has no message', () => {
  const missing = everyLinkOperation.filter(
    (operation) => 'link' in operation || operation.kind === 'set-master',
  );
  const none: Numbers = { ...numbers, indexOf: () => undefined };
  const mixed = everyLinkOperation.flatMap((operation) =>
    operation.kind === 'add-route' && operation.route.gw?.family === 4
      ? [{ ...operation, route: { ...operation.route, gw: { family: 6, bits: 1n } as const } }]
      : [],
  );

  expect(missing.length).toBeGreaterThan(20);
  expect(missing.flatMap((operation) => encodeOperation(operation, none) ?? [])).toEqual([]);
  expect(mixed.length).toBeGreaterThan(1);
  expect(mixed.flatMap((operation) => encodeOperation(operation, numbers) ?? [])).toEqual([]);
});

test('what happens once for a network is left to ip', () => {
  const name = 'br0' as IfName;
  expect(encodeOperation({ kind: 'set-vlan-filtering', name }, numbers)).toBeUndefined();
});
