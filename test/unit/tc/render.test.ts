import { expect, test } from 'vitest';
import type { IfName } from '../../../lib/net/ifname.ts';
import { describeTc } from '../../../lib/tc/describe.ts';
import type { TcOperation } from '../../../lib/tc/operation.ts';
import { renderTc } from '../../../lib/tc/render.ts';

const link = 'veth1' as IfName;

const lines: readonly (readonly [TcOperation, string])[] = [
  [
    { kind: 'add-token-bucket', link, rate: 20_000_000, burst: 25_000, limit: 87_500 },
    'qdisc add dev veth1 root handle 1: tbf rate 20000000bit burst 25000b limit 87500b',
  ],
  [{ kind: 'add-ingress-qdisc', link }, 'qdisc add dev veth1 handle ffff: ingress'],
  [
    { kind: 'redirect-ingress', link, to: 'ifb1' as IfName },
    'filter add dev veth1 parent ffff: protocol all pref 1 u32 match u32 0 0 flowid 1:1 action mirred egress redirect dev ifb1',
  ],
  [{ kind: 'delete-root-qdisc', link }, 'qdisc del dev veth1 root'],
  [{ kind: 'delete-ingress-qdisc', link }, 'qdisc del dev veth1 ingress'],
];

test.each(lines)('%o is one line of a batch', (operation, line) => {
  expect(renderTc(operation)).toBe(line);
});

test.each(lines)('%o is described with its link', (operation) => {
  expect(describeTc(operation)).toContain('veth1');
});

test.each(['two words', 'a#b', 'a"b', 'a\\b', "a'b", 'a\nb', ''])('%j is never handed to tc', (name) => {
  expect(() => renderTc({ kind: 'delete-root-qdisc', link: name as IfName })).toThrow('not a word');
});
