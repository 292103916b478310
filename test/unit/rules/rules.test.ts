import { expect, test } from 'vitest';
import { emptyListing, type NftListing } from '../../../lib/nft/parse.ts';
import { ownerComment } from '../../../lib/rules/owner.ts';
import {
  describeRule,
  isWithoutRules,
  joinRules,
  missingRules,
  noRules,
  removalsOf,
} from '../../../lib/rules/rules.ts';
import { bridgeTable, portmapTable } from '../../../lib/rules/tables.ts';
import { ifNameOf, recordOf, shared } from './fixture.ts';

const { rules } = recordOf('a');

test('an empty kernel lacks all rules', () => {
  expect(missingRules(rules, emptyListing)).toEqual(rules);
});

test('an element of the same set and key in another table is another one', () => {
  const listing: NftListing = {
    ...emptyListing,
    elements: [{ table: portmapTable, set: 'checked', key: ['"a"'], comment: '' }],
  };

  expect(missingRules(rules, listing).own).toHaveLength(3);
  const right = { ...listing, elements: [{ table: bridgeTable, set: 'checked', key: ['"a"'], comment: '' }] };
  expect(missingRules(rules, right).own).toHaveLength(2);
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
