import { describe, expect, test } from 'vitest';
import { KnownTable } from '../../../lib/blocks/table/known-table.ts';
import { ownOf } from '../../../lib/blocks/table/own.ts';
import type { BlockTable } from '../../../lib/blocks/table/table.ts';
import { blockTableOf, updateBlockTable } from '../../../lib/blocks/table/update-table.ts';
import type { KeyValue } from '../../../lib/etcd/etcd.ts';
import { formatCidr } from '../../../lib/net/cidr.ts';
import { blockValue, keyValue, prefix, tableOf } from '../../support/blocks-tables.ts';
import { Random } from '../../support/random.ts';

const pool = '{"cidr":"10.50.0.0/24","blockSize":29}';

describe('the table', () => {
  test('has every key in its room', () => {
    const table = tableOf({
      'pools/a': pool,
      'hosts/me': '{"name":"one","addresses":["192.0.2.1"]}',
      'alive/me': 'one',
      'blocks/10.50.0.0-29': blockValue(),
    });

    expect(table).toMatchObject({ revision: 4, alive: new Set(['me']), problems: new Map() });
    expect([table.pools.size, table.hosts.size, table.blocks.size]).toEqual([1, 1, 1]);
    expect(table.blocks.get('10.50.0.0-29')).toMatchObject({ createRevision: 4, modRevision: 4 });
  });

  test('names the keys that are not understood, shortened', () => {
    const { problems, blocks } = tableOf({ 'blocks/10.50.0.0-29': 'x'.repeat(100_000), 'else/a': '' });

    expect([...problems.keys()]).toEqual([`${prefix}/blocks/10.50.0.0-29`, `${prefix}/else/a`]);
    expect([...problems.values()].every(({ length }) => length <= 200)).toBe(true);
    expect(blocks.size).toBe(0);
  });

  test('forgets a problem when its key is put right, or goes', () => {
    const before = tableOf({ 'blocks/10.50.0.0-29': 'nonsense', 'pools/a': 'nonsense' });

    const after = updateBlockTable(
      before,
      {
        kind: 'changes',
        revision: 9,
        events: [
          { kind: 'put', kv: keyValue('blocks/10.50.0.0-29', blockValue(), 8) },
          { kind: 'delete', key: `${prefix}/pools/a`, modRevision: 9 },
        ],
      },
      prefix,
    );

    expect(after).toMatchObject({ revision: 9, problems: new Map() });
    expect(after.blocks.size).toBe(1);
  });

  test('is what it was while etcd is away', () => {
    const table = tableOf({ 'pools/a': pool });
    expect(updateBlockTable(table, { kind: 'lost', because: 'away' }, prefix)).toBe(table);
  });

  test('has the same blocks where something else has changed', () => {
    const table = tableOf({ 'blocks/10.50.0.0-29': blockValue() });
    const kv = keyValue('alive/me', 'one', 2);

    const after = updateBlockTable(
      table,
      { kind: 'changes', revision: 2, events: [{ kind: 'put', kv }] },
      prefix,
    );

    expect(after.alive.has('me')).toBe(true);
    expect(after.blocks).toBe(table.blocks);
  });

  test('is the same by changes as when it is read whole', () => {
    const random = new Random();
    const names = [
      'pools/a',
      'alive/me',
      'blocks/10.50.0.0-28',
      'blocks/10.50.0.8-29',
      'blocks/10.50.0.0-29',
      'hosts/me',
    ];
    const values = [
      pool,
      blockValue(),
      blockValue({ node: 'other' }),
      'nonsense',
      '{"name":"a","addresses":[]}',
    ];
    const kvs = new Map<string, KeyValue>();
    let table: BlockTable = blockTableOf({ revision: 0, kvs: [] }, prefix);
    for (let revision = 1; revision <= 500; revision++) {
      const kv = keyValue(random.pick(names), random.pick(values), revision);
      const isDeleted = random.below(4) === 0;
      if (isDeleted) kvs.delete(kv.key);
      else kvs.set(kv.key, { ...kv, createRevision: kvs.get(kv.key)?.createRevision ?? revision });
      const found = kvs.get(kv.key);
      const event =
        found === undefined
          ? ({ kind: 'delete', key: kv.key, modRevision: revision } as const)
          : ({ kind: 'put', kv: found } as const);
      table = updateBlockTable(table, { kind: 'changes', revision, events: [event] }, prefix);

      const whole = blockTableOf({ revision, kvs: [...kvs.values()] }, prefix, table);
      expect(sorted(table)).toEqual(sorted(whole));
    }
  });
});

describe('a key that is overwritten with what is not understood', () => {
  const block = 'blocks/10.50.0.0-29';
  const keys = {
    'pools/a': pool,
    'hosts/me': '{"name":"one","addresses":["192.0.2.1"]}',
    [block]: blockValue({ used: 2 }),
  };
  const damaged = (
    name: string,
    { createRevision, revision }: { createRevision: number; revision: number },
  ) => ({
    ...keyValue(name, 'nonsense', revision),
    createRevision,
  });
  const change = (table: BlockTable, kv: KeyValue) =>
    updateBlockTable(
      table,
      { kind: 'changes', revision: kv.modRevision, events: [{ kind: 'put', kv }] },
      prefix,
    );

  test.each([
    ['pools/a', 1],
    ['hosts/me', 2],
    [block, 3],
  ])('says what it said before: %s', (name, createRevision) => {
    const before = tableOf(keys);
    const kv = damaged(name, { createRevision, revision: 9 });

    const changed = change(before, kv);
    const whole = updateBlockTable(before, { kind: 'whole', revision: 9, kvs: [kv] }, prefix);

    for (const after of [changed, whole]) {
      const [room = '', key = ''] = name.split('/');
      expect(after[room === 'pools' ? 'pools' : room === 'hosts' ? 'hosts' : 'blocks'].has(key)).toBe(true);
      expect([...after.problems.keys()]).toEqual([`${prefix}/${name}`]);
    }
  });

  test('is marked, so that nobody writes over it, until it is put right', () => {
    const bad = change(tableOf(keys), damaged(block, { createRevision: 3, revision: 8 }));
    const good = change(bad, { ...keyValue(block, blockValue(), 9), createRevision: 3 });

    expect(bad.blocks.get('10.50.0.0-29')).toMatchObject({ used: 2, modRevision: 8, isOverwritten: true });
    expect(good.blocks.get('10.50.0.0-29')).not.toHaveProperty('isOverwritten');
    expect(good.problems.size).toBe(0);
  });

  test('says nothing where it was made anew meanwhile', () => {
    const after = change(tableOf(keys), damaged(block, { createRevision: 8, revision: 8 }));

    expect(after.blocks.size).toBe(0);
  });

  test('is a living block with a problem where only the number of used addresses is impossible', () => {
    const { blocks, problems } = tableOf({ [block]: blockValue({ used: 99 }) });

    expect(blocks.get('10.50.0.0-29')).toMatchObject({ used: 8 });
    expect(problems.get(`${prefix}/${block}`)).toMatch(/used: 99/);
  });
});

describe('of blocks that overlap', () => {
  const two = {
    'pools/a': pool,
    'blocks/10.50.0.8-29': blockValue({ node: 'other' }),
    'blocks/10.50.0.0-28': blockValue({ loans: { '10.50.0.1': 'third' } }),
    'blocks/10.50.0.16-29': blockValue(),
  };

  test('the older holds, and the younger is told of', () => {
    const table = tableOf(two);

    expect([...table.problems]).toEqual([
      [`${prefix}/blocks/10.50.0.0-28`, expect.stringContaining('overlaps with 10.50.0.8-29')],
    ]);
    expect(ownOf(table, 'me').blocks.map(({ cidr }) => formatCidr(cidr))).toEqual(['10.50.0.16/29']);
    expect(ownOf(table, 'me').overlapped).toHaveLength(1);
    expect(ownOf(table, 'other').blocks).toHaveLength(1);
    expect(ownOf(table, 'third').borrowed).toEqual([]);
  });

  test('none is left when the older goes', () => {
    const after = updateBlockTable(
      tableOf(two),
      {
        kind: 'changes',
        revision: 9,
        events: [{ kind: 'delete', key: `${prefix}/blocks/10.50.0.8-29`, modRevision: 9 }],
      },
      prefix,
    );

    expect(after.problems.size).toBe(0);
    expect(ownOf(after, 'third').borrowed).toHaveLength(1);
  });

  test('one that is overlapped by a loser only holds', () => {
    const table = tableOf({
      'blocks/10.50.0.0-29': blockValue({ node: 'a' }),
      'blocks/10.50.0.0-28': blockValue({ node: 'b' }),
      'blocks/10.50.0.8-29': blockValue({ node: 'c' }),
    });

    expect(['a', 'b', 'c'].map((node) => ownOf(table, node).blocks.length)).toEqual([1, 0, 1]);
  });
});

test("what is a host's is found once for a table", () => {
  const table = tableOf({ 'pools/a': pool, 'blocks/10.50.0.0-29': blockValue() });

  expect(ownOf(table, 'me')).toBe(ownOf(table, 'me'));
  expect(ownOf(table, 'other').blocks).toEqual([]);
  expect(ownOf(table, 'me').blocks).toHaveLength(1);
});

describe('what a host knows', () => {
  const whole = (revision: number, value: string) =>
    ({
      kind: 'whole',
      revision,
      kvs: [{ ...keyValue('blocks/10.50.0.0-29', value, revision), createRevision: 1 }],
    }) as const;
  const usedIn = (known: KnownTable) => known.current?.blocks.get('10.50.0.0-29')?.used;
  const write = (known: KnownTable, used: number, revision: number) => {
    const block = known.current?.blocks.get('10.50.0.0-29');
    if (block === undefined) throw new Error('there is no block');
    known.apply('10.50.0.0-29', { ...block, used, modRevision: revision }, revision);
  };

  test('is never older than what it has written', () => {
    const known = new KnownTable(prefix, () => 0);
    known.hear(whole(5, blockValue({ used: 1 })));
    write(known, 2, 8);

    known.hear(whole(7, blockValue({ used: 1 })));
    expect(usedIn(known)).toBe(2);

    known.hear(whole(9, blockValue({ used: 3 })));
    expect(usedIn(known)).toBe(3);
  });

  test('is read anew after a write that was refused, and after a follower that stays behind', () => {
    let nowMs = 0;
    const known = new KnownTable(prefix, () => nowMs);
    known.hear(whole(5, blockValue()));
    known.outdate();
    expect(known.current).toBeUndefined();
    known.replace(whole(6, blockValue()));
    expect(known.current?.revision).toBe(6);

    nowMs = 10_000;
    expect(known.current).toBeUndefined();
  });

  test('is what another cluster has that answers at the same address', () => {
    const known = new KnownTable(prefix, () => 0);
    known.hear(whole(50, blockValue({ used: 1 })));
    write(known, 2, 60);

    known.hear(whole(3, blockValue({ used: 3 })));

    expect(usedIn(known)).toBe(3);
  });
});

function sorted({ revision, ...maps }: BlockTable): object {
  const entries = Object.entries(maps).map(([name, map]) => [
    name,
    [...map.entries()].sort(([one], [other]) => (one < other ? -1 : 1)),
  ]);
  return { revision, ...Object.fromEntries(entries) };
}
