import { expect, test } from 'vitest';
import { type IpAddress, parseAddress } from '../../../lib/net/address.ts';
import { masqueradeComment } from '../../../lib/takeover/names.ts';
import { parseForeignRules, renderNftRemoval } from '../../../lib/takeover/nft.ts';
import { planRemoval } from '../../../lib/takeover/plan-removal.ts';
import type { ForeignRule } from '../../../lib/takeover/rule.ts';
import { type RuleKind, tablesOf, tracesOf } from '../../../lib/takeover/trace.ts';

const names = { network: 'net', containerId: 'c1', ifName: 'eth0' };
const [mine, others] = ['10.1.0.2', '10.1.0.3'].map((text) => parseAddress(text)) as [IpAddress, IpAddress];

const rule = (changes: Partial<ForeignRule>): ForeignRule => ({
  chain: '',
  target: undefined,
  source: undefined,
  destination: undefined,
  dnat: undefined,
  comment: '',
  deletion: 'the line',
  ...changes,
});

/** What of one rule goes in any of a kind's places. */
function isRemoved(kind: RuleKind, one: ForeignRule, addresses: readonly IpAddress[] = [mine]): boolean {
  const traces = tracesOf([kind], { ...names, addresses }, tablesOf(kind));
  return traces.some((trace) => planRemoval(trace, [one]).deletions.length > 0);
}

const listing = (body: object) => JSON.stringify({ nftables: [{ metainfo: {} }, { rule: body }] });
const place = { family: 'ip', table: 'nat', chain: 'POSTROUTING', handle: 5 };
const match = (field: string, right: unknown, op = '==') => ({
  match: { op, left: { payload: { protocol: 'ip', field } }, right },
});

test('a rule is deleted by its handle', () => {
  const text = listing({ ...place, expr: [match('saddr', '10.1.0.2'), { jump: { target: 'CNI-1' } }] });
  expect(parseForeignRules(text)).toEqual([
    rule({
      chain: 'POSTROUTING',
      target: 'CNI-1',
      source: mine,
      deletion: 'delete rule ip nat POSTROUTING handle 5',
    }),
  ]);
});

test('networks and negations are no address, and a port map’s destination is one', () => {
  const expr = [match('saddr', { prefix: { addr: '10.1.0.0', len: 24 } }), match('daddr', '10.1.0.2', '!=')];
  const [found] = parseForeignRules(
    listing({ ...place, expr: [...expr, { dnat: { addr: '10.1.0.2', port: 80 } }] }),
  );
  expect(found).toMatchObject({ source: undefined, destination: undefined, dnat: mine });
});

test.each([
  ['a place that is no plain name', { ...place, chain: 'a; flush ruleset' }],
  ['no handle', { ...place, handle: '5; flush ruleset' }],
])('a rule with %s is left out', (_, body) => {
  expect(parseForeignRules(listing({ ...body, expr: [] }))).toEqual([]);
});

test('chains are emptied before they are deleted; a name that would need quotes is refused', () => {
  const table = { family: 'bridge', table: 'nat' } as const;
  expect(renderNftRemoval(table, { deletions: ['x'], chains: ['a', 'a-mac'] })).toEqual([
    'x',
    'flush chain bridge nat a',
    'flush chain bridge nat a-mac',
    'delete chain bridge nat a',
    'delete chain bridge nat a-mac',
  ]);
  expect(() => renderNftRemoval(table, { deletions: [], chains: ['a; b'] })).toThrow(
    'is no name that nft can be given',
  );
});

test('a masquerade is its interface’s alone', () => {
  const masquerade = (ifName: string) =>
    rule({
      chain: 'masq_checks',
      comment: `${masqueradeComment({ ...names, ifName })} net: net, if: ${ifName}, id: c1`,
    });
  expect(isRemoved('masquerade', masquerade('eth0'))).toBe(true);
  expect(isRemoved('masquerade', masquerade('eth1'))).toBe(false);
});

test('a port map is told by the container, and by the address where one is known', () => {
  const map = (comment: string, dnat: IpAddress) => rule({ chain: 'hostports', comment, dnat });
  expect(isRemoved('portmap', map('c1', mine))).toBe(true);
  expect(isRemoved('portmap', map('c1', others))).toBe(false);
  expect(isRemoved('portmap', map('c1', others), [])).toBe(true);
  expect(isRemoved('portmap', map('c2', mine))).toBe(false);
  expect(
    isRemoved('portmap', rule({ chain: 'masquerading', comment: 'c1', source: mine, destination: mine })),
  ).toBe(true);
  expect(isRemoved('portmap', rule({ chain: 'other', comment: 'c1', dnat: mine }))).toBe(false);
});

test('of the firewall only what accepts the container’s own address goes', () => {
  const accept = (changes: Partial<ForeignRule>) =>
    rule({ chain: 'CNI-FORWARD', target: 'ACCEPT', ...changes });
  expect(isRemoved('firewall', accept({ source: mine }))).toBe(true);
  expect(isRemoved('firewall', accept({ destination: mine }))).toBe(true);
  expect(isRemoved('firewall', accept({ source: others }))).toBe(false);
  expect(isRemoved('firewall', accept({}))).toBe(false);
  expect(isRemoved('firewall', accept({ source: mine, destination: others }))).toBe(false);
  expect(isRemoved('firewall', accept({ source: mine, target: 'CNI-ADMIN' }))).toBe(false);
  expect(isRemoved('firewall', accept({ source: mine }), [])).toBe(false);
});
