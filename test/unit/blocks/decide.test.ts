import { describe, expect, test } from 'vitest';
import type { Action } from '../../../lib/blocks/decide/action.ts';
import { decide } from '../../../lib/blocks/decide/decide.ts';
import { dispensable } from '../../../lib/blocks/decide/decide-giving.ts';
import { shortages } from '../../../lib/blocks/decide/shortage.ts';
import type { Standing } from '../../../lib/blocks/decide/standing.ts';
import { nameOf } from '../../../lib/blocks/table/block-name.ts';
import { ownOf } from '../../../lib/blocks/table/own.ts';
import { formatAddress } from '../../../lib/net/address.ts';
import { asHost, formatCidr } from '../../../lib/net/cidr.ts';
import { address, blockValue, standingOf, tableOf } from '../../support/blocks-tables.ts';

/** Two blocks of eight addresses. */
const pool = { 'pools/a': '{"cidr":"10.50.0.0/28","blockSize":29}' };
const everybody = { 'alive/me': '', 'alive/other': '' };
/** Addresses of 10.50.0.0/29 from the first on. */
const first = (count: number) => Array.from({ length: count }, (_, at) => `10.50.0.${at}`);

/** An action in a few words. */
function shown(action: Action | undefined): string | undefined {
  if (action === undefined) return undefined;
  const what = action.kind === 'claim' ? formatCidr(action.cidr) : nameOf(action.block);
  const addresses = 'addresses' in action ? ` ${action.addresses.map(formatAddress).join(' ')}` : '';
  return `${action.kind} ${what}${addresses}`;
}

const next = (standing: Standing) => shown(decide(standing));

describe('a host that has too little', () => {
  test('claims a free block', () => {
    expect(next(standingOf(tableOf({ ...pool, 'blocks/10.50.0.0-29': blockValue({ node: 'other' }) })))).toBe(
      'claim 10.50.0.8/29',
    );
  });

  test('claims one of each family that has a pool', () => {
    const table = tableOf({
      ...pool,
      'pools/b': '{"cidr":"fd00::/122"}',
      'blocks/10.50.0.0-29': blockValue(),
    });
    expect(next(standingOf(table))).toBe('claim fd00::/122');
  });

  test('has enough while `spare` addresses are free', () => {
    const table = tableOf({ ...pool, 'blocks/10.50.0.0-29': blockValue({ used: 6 }) });

    expect(next(standingOf(table, { leased: first(6) }))).toBeUndefined();
    expect(next(standingOf(table, { leased: first(7) }))).toBe('claim 10.50.0.8/29');
  });

  test('confirms what is prepared, and takes nothing else meanwhile', () => {
    const table = tableOf({ ...pool, 'blocks/10.50.0.0-29': blockValue({ state: 'pending' }) });

    expect(next(standingOf(table))).toBe('confirm 10.50.0.0-29');
    expect(next(standingOf(table, { prepared: new Set() }))).toBeUndefined();
  });

  test('takes nothing new while others look for what they had', () => {
    expect(next(standingOf(tableOf(pool), { mayTake: false }))).toBeUndefined();
  });

  test('takes nothing of a pool that is disabled', () => {
    const table = tableOf({ 'pools/a': '{"cidr":"10.50.0.0/28","blockSize":29,"disabled":true}' });
    expect(next(standingOf(table))).toBeUndefined();
  });

  test('takes nothing where a key is that nobody understands', () => {
    const table = tableOf({
      ...pool,
      'blocks/10.50.0.0-29': 'nonsense',
      'blocks/10.50.0.9-30': 'nonsense',
    });
    expect(next(standingOf(table))).toBeUndefined();
  });
});

describe('a host for which no block is left', () => {
  const full = (other: Parameters<typeof blockValue>[0] = {}) =>
    tableOf({
      ...pool,
      ...everybody,
      'blocks/10.50.0.0-29': blockValue(),
      'blocks/10.50.0.8-29': blockValue({ node: 'other', ...other }),
    });
  const poor = { leased: first(7), told: new Map([['10.50.0.0-29', 100_000]]) };

  test('asks the host that has most, for what is missing', () => {
    expect(decide(standingOf(full(), poor))).toMatchObject({
      kind: 'want',
      count: 1,
      block: { node: 'other' },
    });
  });

  test('asks nobody who has nothing, or is gone, or gives a block back', () => {
    expect(next(standingOf(full({ used: 8 }), poor))).toBeUndefined();
    expect(next(standingOf(full({ state: 'releasing' }), poor))).toBeUndefined();
    const gone = { ...full(), alive: new Set(['me']) };
    expect(next(standingOf(gone, poor))).toBeUndefined();
  });

  test('asks once at a time, and who has given nothing not again so soon', () => {
    expect(next(standingOf(full({ wanted: { me: 1 } }), poor))).toBeUndefined();
    expect(next(standingOf(full(), { ...poor, asked: new Map([['other', 95_000]]) }))).toBeUndefined();
    expect(next(standingOf(full(), { ...poor, asked: new Map([['other', 90_000]]) }))).toBe(
      'want 10.50.0.8-29',
    );
  });

  test('asks no more when it has enough', () => {
    expect(next(standingOf(full({ wanted: { me: 1 } })))).toBe('unwant 10.50.0.8-29');
  });

  test('says so when nobody can lend', () => {
    expect(shortages(standingOf(full({ used: 8 }), poor))).toEqual([
      expect.stringContaining('1 free addresses, fewer than the 2'),
    ]);
    expect(shortages(standingOf(full({ wanted: { me: 1 } }), poor))).toEqual([]);
  });
});

describe('a host that is asked', () => {
  const asked = (count: number, said: Parameters<typeof blockValue>[0] = {}) =>
    tableOf({
      ...pool,
      ...everybody,
      'blocks/10.50.0.0-29': blockValue({ wanted: { other: count }, ...said }),
    });

  test('lends from the end of its block', () => {
    expect(next(standingOf(asked(2)))).toBe('lend 10.50.0.0-29 10.50.0.7 10.50.0.6');
  });

  test('lends what is neither leased nor lent, and keeps what is spare', () => {
    const table = asked(8, { loans: { '10.50.0.7': 'other' } });
    expect(next(standingOf(table, { leased: ['10.50.0.6', '10.50.0.0'] }))).toBe(
      'lend 10.50.0.0-29 10.50.0.5 10.50.0.4 10.50.0.3',
    );
  });

  test('answers with nothing where it has nothing to spare, or the asker is gone, or the pool is disabled', () => {
    const disabled = tableOf({
      ...everybody,
      'pools/a': '{"cidr":"10.50.0.0/28","blockSize":29,"disabled":true}',
      'blocks/10.50.0.0-29': blockValue({ wanted: { other: 1 } }),
    });

    expect(next(standingOf(asked(1), { leased: first(6) }))).toBe('lend 10.50.0.0-29 ');
    expect(next(standingOf({ ...asked(1), alive: new Set(['me']) }))).toBe('lend 10.50.0.0-29 ');
    expect(next(standingOf(disabled))).toBe('lend 10.50.0.0-29 ');
  });
});

describe('a host that has more than it needs', () => {
  const rich = tableOf({
    ...pool,
    'blocks/10.50.0.0-29': blockValue({ used: 1 }),
    'blocks/10.50.0.8-29': blockValue(),
  });
  const borrowed = tableOf({
    ...pool,
    'blocks/10.50.0.0-29': blockValue(),
    'blocks/10.50.0.8-29': blockValue({ node: 'other', loans: { '10.50.0.14': 'me', '10.50.0.15': 'me' } }),
  });

  test('withdraws an empty block that has been empty for long enough', () => {
    const standing = standingOf(rich, { leased: first(1) });

    expect(dispensable(standing)).toEqual(['10.50.0.8-29']);
    expect(next({ ...standing, idle: new Map([['10.50.0.8-29', 99_001]]) })).toBeUndefined();
    expect(next({ ...standing, idle: new Map([['10.50.0.8-29', 99_000]]) })).toBe('withdraw 10.50.0.8-29');
  });

  test('leases nothing of a disabled pool, and withdraws what is empty of it', () => {
    const blocks = { 'blocks/10.50.0.0-29': blockValue(), 'blocks/10.50.0.8-29': blockValue() };
    const disabled = { 'pools/a': '{"cidr":"10.50.0.0/28","blockSize":29,"disabled":true}' };
    const standing = standingOf(tableOf({ ...disabled, ...blocks }), { leased: first(1) });

    expect(standing.ranges).toEqual([]);
    expect(dispensable(standing)).toEqual(['10.50.0.8-29']);
    expect(shortages(standing)).toEqual([]);
  });

  test('keeps a block where less than what is spare, and a block, would be left', () => {
    expect(dispensable(standingOf(rich, { leased: first(6) }))).toEqual([]);
  });

  test('keeps a block of which something is leased, lent or asked for', () => {
    const said = (value: string) =>
      dispensable(
        standingOf(tableOf({ ...pool, 'blocks/10.50.0.0-29': value, 'blocks/10.50.0.8-29': blockValue() })),
      );
    expect(said(blockValue())).toContain('10.50.0.0-29');
    expect(said(blockValue({ loans: { '10.50.0.1': 'other' } }))).not.toContain('10.50.0.0-29');
    expect(said(blockValue({ wanted: { other: 1 } }))).not.toContain('10.50.0.0-29');
  });

  test('releases what is withdrawn before anything else', () => {
    const table = tableOf({ ...pool, 'blocks/10.50.0.0-29': blockValue({ state: 'releasing' }) });
    expect(next(standingOf(table))).toBe('release 10.50.0.0-29');
  });

  test('gives back what it has borrowed and does not use', () => {
    const idle = new Map(['10.50.0.14', '10.50.0.15'].map((text) => [text, 0]));

    expect(next(standingOf(borrowed, { idle }))).toBe('return 10.50.0.8-29 10.50.0.14 10.50.0.15');
    expect(next(standingOf(borrowed, { idle, leased: ['10.50.0.14'] }))).toBe(
      'return 10.50.0.8-29 10.50.0.15',
    );
    expect(next(standingOf(borrowed, { idle: new Map() }))).toBeUndefined();
  });

  test('gives back no more than what is over', () => {
    const idle = new Map(['10.50.0.14', '10.50.0.15'].map((text) => [text, 0]));
    expect(next(standingOf(borrowed, { idle, leased: first(7), told: new Map() }))).toBe(
      'return 10.50.0.8-29 10.50.0.14',
    );
  });

  test('drops a block that an older one overlaps with, when nothing of it is used', () => {
    const table = tableOf({
      ...pool,
      'blocks/10.50.0.0-28': blockValue({ node: 'other' }),
      'blocks/10.50.0.8-29': blockValue(),
    });

    expect(next(standingOf(table))).toBe('drop 10.50.0.8-29');
    expect(next(standingOf(table, { leased: ['10.50.0.9'] }))).toBeUndefined();
  });
});

describe('a key that somebody has overwritten', () => {
  test('is never written to, whatever there is to do', () => {
    const table = tableOf({
      ...pool,
      ...everybody,
      'blocks/10.50.0.0-29': blockValue({ wanted: { other: 1 } }),
      'blocks/10.50.0.8-29': blockValue({ node: 'other' }),
    });
    const blocks = new Map(
      [...table.blocks].map(([name, block]) => [name, { ...block, isOverwritten: true } as const]),
    );
    const standing = standingOf({ ...table, blocks }, { leased: first(7), told: new Map() });

    expect(next(standingOf(table))).toBe('lend 10.50.0.0-29 10.50.0.7');
    expect(next(standing)).toBeUndefined();
    expect(standing.ranges).toHaveLength(1);
  });
});

describe('a pool of which hosts have addresses', () => {
  const underlay = ['10.50.0.3', '10.50.0.9'].map((text) => asHost(address(text)));

  test('gives no block there, new or lost, and none is asked for', () => {
    const other = tableOf({ ...pool, ...everybody, 'blocks/10.50.0.0-29': blockValue({ node: 'other' }) });

    expect(next(standingOf(tableOf(pool), { underlay: underlay.slice(0, 1) }))).toBe('claim 10.50.0.8/29');
    expect(next(standingOf(tableOf(pool), { underlay }))).toBeUndefined();
    expect(next(standingOf(tableOf(pool), { underlay, leased: ['10.50.0.4'] }))).toBeUndefined();
    expect(next(standingOf(other, { underlay }))).toBeUndefined();
  });

  test('gets back what is there and is not used', () => {
    const table = tableOf({ ...pool, 'blocks/10.50.0.0-29': blockValue() });
    const standing = standingOf(table, {
      underlay,
      free: { 4: 0, 6: 0 },
      settings: { spare: 0, releaseAfterMs: 1 },
    });

    expect(dispensable(standing)).toEqual(['10.50.0.0-29']);
  });
});

describe('after etcd was restored from a backup', () => {
  test('a host suspends the block that it does not know', () => {
    const table = tableOf({ ...pool, 'blocks/10.50.0.0-29': blockValue() });

    expect(next(standingOf(table, { unknown: new Set(['10.50.0.0-29']) }))).toBe('suspend 10.50.0.0-29');
  });

  test('a host marks what its containers have of a block that nobody leases from yet', () => {
    const restored = (state: 'pending' | 'confirmed', loans = {}) =>
      standingOf(tableOf({ ...pool, 'blocks/10.50.0.0-29': blockValue({ node: 'other', state, loans }) }), {
        leased: ['10.50.0.1', '10.50.0.2'],
        mayTake: false,
      });

    expect(next(restored('pending'))).toBe('mark 10.50.0.0-29 10.50.0.1 10.50.0.2');
    expect(next(restored('pending', { '10.50.0.1': 'third' }))).toBe('mark 10.50.0.0-29 10.50.0.2');
    expect(next(restored('confirmed'))).toBeUndefined();
  });
});

describe('a host of which etcd has lost something', () => {
  test('claims the block again that its containers have addresses of', () => {
    expect(next(standingOf(tableOf(pool), { leased: ['10.50.0.9'], mayTake: false }))).toBe(
      'claim 10.50.0.8/29',
    );
  });

  test('claims nothing for what another host has, or lies in no pool', () => {
    const table = tableOf({ ...pool, 'blocks/10.50.0.8-29': blockValue({ node: 'other' }) });
    expect(next(standingOf(table, { leased: ['10.50.0.9', '10.99.0.1'], mayTake: false }))).toBeUndefined();
  });

  test('claims what it has lent with the loans, although nothing of it is leased', () => {
    const before = tableOf({
      ...pool,
      'blocks/10.50.0.8-29': blockValue({ loans: { '10.50.0.9': 'other' } }),
    });
    const memory = { blocks: before.blocks, lent: new Map() };

    expect(decide(standingOf(tableOf(pool), { memory, mayTake: false }))).toMatchObject({
      kind: 'claim',
      loans: before.blocks.get('10.50.0.8-29')?.loans,
    });
  });

  test('leaves what it had borrowed to the claim of its lender', () => {
    const before = tableOf({
      ...pool,
      'blocks/10.50.0.8-29': blockValue({ node: 'other', loans: { '10.50.0.9': 'me' } }),
    });
    const lent = new Map(
      ownOf(before, 'me').borrowed.map(({ address, block }) => [formatAddress(address), block]),
    );
    const standing = standingOf(tableOf(pool), { leased: ['10.50.0.9'], mayTake: false });

    expect(next({ ...standing, memory: { blocks: new Map(), lent } })).toBeUndefined();
  });
});

test('how much is used is told when it has changed, but not all the time', () => {
  const table = tableOf({ ...pool, 'blocks/10.50.0.0-29': blockValue({ used: 1 }) });

  expect(next(standingOf(table, { leased: first(2) }))).toBeUndefined();
  expect(next(standingOf(table, { leased: first(2), told: new Map([['10.50.0.0-29', 95_000]]) }))).toBe(
    'tell 10.50.0.0-29',
  );
  expect(next(standingOf(table, { leased: first(1), told: new Map() }))).toBeUndefined();
});
