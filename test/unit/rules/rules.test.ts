import { expect, test } from 'vitest';
import type { NftTable } from '../../../lib/nft/operation.ts';
import { emptyListing, type NftListing } from '../../../lib/nft/parse.ts';
import { ListedRules } from '../../../lib/rules/listed-rules.ts';
import { ownerComment } from '../../../lib/rules/owner.ts';
import { describeRule, isWithoutRules, joinRules, noRules, removalsOf } from '../../../lib/rules/rules.ts';
import { bridgeTable, portmapTable } from '../../../lib/rules/tables.ts';
import { ifNameOf, recordOf, shared } from './fixture.ts';

const { owner, rules } = recordOf('a');
const ownerOf = (containerId: string) => ownerComment(owner.network, { ...owner, containerId });

const missingIn = (listing: NftListing) => new ListedRules(listing).missing(rules);

test('an empty kernel lacks all rules', () => {
  expect(missingIn(emptyListing)).toEqual([...rules.shared, ...rules.own]);
});

test('an element of the same set and key in another table is another one', () => {
  const element = { set: 'checked', key: ['"a"'], value: '', comment: ownerOf('a') };
  const within = (table: NftTable) => ({ ...emptyListing, elements: [{ ...element, table }] });
  const all = missingIn(emptyListing).length;

  expect(missingIn(within(portmapTable))).toHaveLength(all);
  expect(missingIn(within(bridgeTable))).toHaveLength(all - 1);
});

test.each([
  ['of another attachment', { comment: ownerOf('b') }],
  ['that leads elsewhere', { value: '10.0.0.3' }],
])('an element %s is as good as missing', (_, change) => {
  const [port] = rules.own.filter((rule) => rule.kind === 'create-element');
  const { key = [], set = '', table = portmapTable, value = [] } = port ?? {};
  const right = { table, set, key, value: value.join(' . '), comment: ownerOf('a') };
  const all = missingIn(emptyListing).length;

  expect(missingIn({ ...emptyListing, elements: [right] })).toHaveLength(all - 1);
  expect(missingIn({ ...emptyListing, elements: [{ ...right, ...change }] })).toHaveLength(all);
});

test('rules are removed in the reverse of their making', () => {
  expect(removalsOf(rules.own).map(({ kind }) => kind)).toEqual([
    'delete-element',
    'delete-element',
    'delete-chain',
  ]);
});

test('rules are joined in order, and none with none is none', () => {
  const joined = joinRules({ shared, own: [] }, rules);

  expect(joined).toEqual({ shared: [...shared, ...rules.shared], own: rules.own });
  expect(isWithoutRules(joinRules(noRules, noRules))).toBe(true);
  expect(isWithoutRules(joined)).toBe(false);
});

test('a rule in words says what it is and where', () => {
  expect([...shared, ...rules.own].map(describeRule)).toEqual([
    'set checked of nftables table bridge fairlead',
    'map ports of nftables table inet fairlead_portmap',
    'chain in (of a test) of nftables table inet fairlead',
    'chain own_a (of a test) of nftables table inet fairlead',
    'element "a" of checked in nftables table bridge fairlead',
    'element 8080 of ports in nftables table inet fairlead_portmap',
  ]);
});

test('the comment of an owner fits into nft, and two long ones differ', () => {
  const [one, other] = ['1', '2'].map((end) =>
    ownerComment('net', { containerId: 'x'.repeat(300) + end, ifName: ifNameOf('eth0') }),
  );

  expect(one?.length).toBeLessThanOrEqual(127);
  expect(one).not.toBe(other);
  expect(ownerComment('net', { containerId: 'a', ifName: ifNameOf('eth0') })).toBe('net/a/eth0');
});
