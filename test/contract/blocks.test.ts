import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { readShareText } from '../../lib/blocks/share/share-file.ts';
import type { Reachability } from '../../lib/routing/router.ts';
import { createBlockLeases } from '../../plugins/agent/block-leases.ts';
import { BlocksCluster, BlocksHost, blocksOf, loansOf } from '../support/blocks-cluster.ts';
import { network, noLinks, pathsOf } from '../support/blocks-holder.ts';
import { address } from '../support/blocks-tables.ts';
import { realMachine } from '../support/rig-registry.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

/** Four blocks of eight addresses. */
const smallPool = { cidr: '10.50.0.0/27', blockSize: 29 };
/** One block of eight addresses. */
const onePool = { cidr: '10.50.0.0/29', blockSize: 29 };
const confirmed = (count: number) => (table: { blocks: ReadonlyMap<string, { state: string }> }) =>
  [...table.blocks.values()].filter(({ state }) => state === 'confirmed').length === count;

// Most of it is waiting for servers.
describe.concurrent('hosts that share pools over a real etcd', { timeout: 60_000 }, () => {
  test('have a block each, and more as containers come', async () => {
    await using cluster = await BlocksCluster.start();
    await cluster.putPool('a', smallPool);
    const one = cluster.join(1);
    const two = cluster.join(2);
    await Promise.all([one.has(8), two.has(8)]);

    const addresses = one.addMany(6);
    const table = await cluster.until((now) => blocksOf(now, one).length === 2, 'a second block');

    expect(new Set(addresses).size).toBe(6);
    expect(blocksOf(table, two)).toHaveLength(1);
    expect(table.hosts.get('node-1')).toMatchObject({
      name: 'host-1',
      addresses: { 4: address('192.0.2.1') },
    });
    expect(table.alive).toEqual(new Set(['node-1', 'node-2']));
  });

  test('have addresses of both families', async () => {
    await using cluster = await BlocksCluster.start();
    await cluster.putPool('a', smallPool);
    await cluster.putPool('b', { cidr: 'fd00:50::/64' });
    const one = cluster.join(1);
    await one.has(8 + 64);

    const addresses = one.containers.add('c1');

    expect(addresses).toEqual([expect.stringMatching(/^10\.50\.0\./), expect.stringMatching(/^fd00:50::/)]);
  });

  test('lease from a block only when the way to it is prepared', async () => {
    await using cluster = await BlocksCluster.start();
    await cluster.putPool('a', smallPool);
    const way = Promise.withResolvers<void>();
    const one = cluster.join(1, {}, { prepare: () => way.promise });
    await cluster.until(({ blocks }) => blocks.size === 1, 'the pending block');
    expect(() => one.containers.add('early')).toThrow(/see "fairlead ipam"/);

    way.resolve();
    await one.has(8);

    expect(one.containers.add('late')).toHaveLength(1);
  });

  test('borrow where no block is left, and give back what they need no more', async () => {
    await using cluster = await BlocksCluster.start();
    await cluster.putPool('a', onePool);
    const lender = cluster.join(1, { spare: 1 });
    await lender.has(8);
    const borrower = cluster.join(2, { spare: 2, releaseAfterMs: 500 });
    await borrower.has(2);

    borrower.addMany(2);
    const lent = await cluster.until((table) => loansOf(table, borrower).length === 4, 'four loans');
    expect(lent.blocks.get('10.50.0.0-29')?.node).toBe('node-1');
    expect(new Set(lender.containers.leased.keys()).intersection(new Set(loansOf(lent, borrower)))).toEqual(
      new Set(),
    );

    for (const name of ['c-0', 'c-1']) borrower.containers.del(`node-2-${name}`);
    await cluster.until((table) => loansOf(table, borrower).length === 2, 'two loans to be given back');
    await lender.has(6);
  });

  test('keep for themselves what is spare, whoever asks', async () => {
    await using cluster = await BlocksCluster.start();
    await cluster.putPool('a', onePool);
    const lender = cluster.join(1, { spare: 6 });
    await lender.has(8);
    const borrower = cluster.join(2, { spare: 4 });
    await borrower.has(2);

    await until(
      () => borrower.holder.status().problems.some((text) => text.includes('no other host can lend')),
      'the problem',
    );

    expect(lender.holder.status().share.free).toBe(6);
    const table = await cluster.table();
    expect(table.blocks.values().next().value?.wanted).toEqual(new Map());
  });

  test('give an empty block back when more than enough is free', async () => {
    await using cluster = await BlocksCluster.start();
    await cluster.putPool('a', smallPool);
    const one = cluster.join(1, { releaseAfterMs: 500, spare: 4 });
    await one.has(8);
    one.addMany(7);
    await cluster.until(confirmed(2), 'the second block');

    for (const container of one.containers.leased.values()) one.containers.del(container);
    await cluster.until(({ blocks }) => blocks.size === 1, 'one block alone');

    await one.has(8);
    expect(one.holder.status().share.free).toBe(8);
  });

  test('take over what the run before had, also what it was about to do', async () => {
    await using cluster = await BlocksCluster.start();
    await cluster.putPool('a', smallPool);
    await cluster.putBlock('10.50.0.8-29', { node: 'node-1', state: 'pending' });
    await cluster.putBlock('10.50.0.16-29', { node: 'node-1', state: 'releasing' });
    const one = cluster.join(1, { spare: 8 });
    await one.has(8);

    const table = await cluster.until(confirmed(1), 'one block');

    expect([...table.blocks.keys()]).toEqual(['10.50.0.8-29']);
  });

  test('lease from a block again that was being released and has a container', async () => {
    await using cluster = await BlocksCluster.start();
    await cluster.putPool('a', smallPool);
    const before = cluster.join(1);
    await before.has(8);
    const [leased] = before.addMany(1);
    await before.stop();
    const [name = ''] = blocksOf(await cluster.table(), before);
    await cluster.putBlock(name, { node: 'node-1', state: 'releasing' });

    const one = cluster.join(1);
    await cluster.until(
      ({ blocks }) => blocks.get(name)?.state === 'confirmed',
      'the block to be leased from again',
    );

    await one.has(7);
    expect(one.containers.leased.has(leased ?? '')).toBe(true);
  });

  test('go on without etcd, and see afterwards what has happened', async () => {
    await using cluster = await BlocksCluster.start();
    await cluster.putPool('a', smallPool);
    const one = cluster.join(1);
    await one.has(8);

    await cluster.servers.members[0]?.kill();
    await until(() => !one.holder.status().etcd.isConnected, 'the loss of etcd');
    expect(one.addMany(6)).toHaveLength(6);
    await cluster.servers.members[0]?.restart();

    await cluster.until((table) => blocksOf(table, one).length === 2, 'a second block');
    expect(one.holder.status().etcd.isConnected).toBe(true);
  });

  test('claim again what etcd has lost, and what was lent stays lent', async () => {
    await using cluster = await BlocksCluster.start();
    await cluster.putPool('a', onePool);
    const lender = cluster.join(1, { spare: 1 });
    await lender.has(8);
    const borrower = cluster.join(2, { spare: 1 });
    await borrower.has(1);
    const [own] = lender.addMany(1);
    const [borrowed = ''] = borrower.addMany(1);
    await borrower.has(1);

    await cluster.servers.wipe();
    await until(() => lender.containers.shared === 0 && borrower.containers.shared === 0, 'empty shares');
    await cluster.putPool('a', onePool);

    const table = await cluster.until(
      (now) => loansOf(now, borrower).includes(borrowed),
      'the loan to come back',
    );
    expect(blocksOf(table, lender)).toEqual(['10.50.0.0-29']);
    await lender.has(1);
    const more = lender.addMany(2, 'after');
    expect([...more, own]).not.toContain(borrowed);
  });

  test('say whose an address is that another host has now', async () => {
    await using cluster = await BlocksCluster.start();
    await cluster.putPool('a', smallPool);
    const one = cluster.join(1);
    await one.has(8);
    const [lost = ''] = one.addMany(1);
    const [name = ''] = blocksOf(await cluster.table(), one);

    await cluster.putBlock(name, { node: 'node-9' });

    const says = () => one.holder.status().problems.filter((text) => text.includes(lost));
    await until(() => says().length > 0, 'the problem');
    expect(says()[0]).toMatch(/container node-1-c-0 belongs to the host node-9 now/);
    await cluster.until((table) => blocksOf(table, one).length === 1, 'another block');
    await until(() => one.containers.shared === 8, 'the share to have the other block alone');
  });

  test('leave a block to the one that was first, where two overlap', async () => {
    await using cluster = await BlocksCluster.start();
    await cluster.putPool('a', smallPool);
    await cluster.putBlock('10.50.0.0-28', { node: 'node-9' });
    await cluster.putBlock('10.50.0.8-29', { node: 'node-1' });
    const told: Reachability[] = [];
    const one = cluster.join(1, {}, { onChange: (reachability) => told.push(reachability) });
    await one.has(8);

    const table = await cluster.until(({ blocks }) => !blocks.has('10.50.0.8-29'), 'the younger block to go');

    expect(blocksOf(table, one)).toHaveLength(1);
    expect(
      told.flatMap(({ own }) => own).filter(({ address: { bits } }) => bits === address('10.50.0.8').bits),
    ).toEqual([]);
  });

  test('say what they do not understand, and take nothing of it', async () => {
    await using cluster = await BlocksCluster.start();
    await cluster.putPool('a', onePool);
    await cluster.put('blocks/10.50.0.0-29', 'nonsense');
    const one = cluster.join(1);

    await until(
      () => one.holder.status().problems.some((text) => text.includes('10.50.0.0-29')),
      'the problem',
    );

    await until(
      () => one.holder.status().problems.some((text) => text.includes('no pool has a block left')),
      'the shortage',
    );
    await cluster.del('blocks/10.50.0.0-29');
    await one.has(8);
    expect(one.holder.status().problems).toEqual([]);
  });

  test('free the lease of a container that has died without a DEL, and no other', async () => {
    await using cluster = await BlocksCluster.start();
    await cluster.putPool('a', smallPool);
    const one = cluster.join(1, { leakIntervalMs: 300 });
    await one.has(8);
    const [dead = '', live = ''] = one.addMany(2);

    one.containers.die('node-1-c-0');
    await until(() => !one.containers.leased.has(dead), 'the lease to be freed');

    expect(one.containers.leased.has(live)).toBe(true);
    expect(one.holder.status().reclaimed).toBe(1);
  });

  test('write their share again when somebody has removed or changed it', async () => {
    await using cluster = await BlocksCluster.start();
    await cluster.putPool('a', smallPool);
    const one = cluster.join(1);
    await one.has(8);
    const { share } = pathsOf(cluster.place(1));

    rmSync(share);
    await until(() => one.containers.shared === 8, 'the share that was removed');
    writeFileSync(share, 'nonsense');
    await until(() => readShareText(share)?.includes('10.50.0.') === true, 'the share that was changed');

    expect(one.log.filter((text) => text.includes('somebody has removed or changed'))).toHaveLength(2);
  });

  test('lease an address that comes back only when the way to its borrower is gone', async () => {
    await using cluster = await BlocksCluster.start();
    await cluster.putPool('a', onePool);
    let isBroken = false;
    const refused: Reachability[] = [];
    const prepare = async (reachability: Reachability) => {
      if (!isBroken) return;
      refused.push(reachability);
      throw new Error('no way');
    };
    const lender = cluster.join(1, { spare: 1 }, { prepare });
    await lender.has(8);
    const borrower = cluster.join(2, { spare: 2, releaseAfterMs: 300 });
    await borrower.has(2);
    borrower.addMany(1);
    await cluster.until((table) => loansOf(table, borrower).length === 3, 'three loans');
    await until(() => lender.containers.shared === 5, 'a share without what is lent');

    isBroken = true;
    borrower.containers.del('node-2-c-0');
    await cluster.until((table) => loansOf(table, borrower).length === 2, 'a loan to be given back');
    await until(() => refused.length > 1, 'the ways to be asked for again and again');
    const meanwhile = lender.containers.shared;
    isBroken = false;

    expect(refused[0]?.table.blocks.get('10.50.0.0-29')?.loans.size).toBe(2);
    expect(meanwhile).toBe(5);
    await until(() => lender.containers.shared === 6, 'what has come back');
  });

  test('take nothing of what hosts are reached by, and say so', async () => {
    await using cluster = await BlocksCluster.start();
    await cluster.putPool('a', smallPool);
    await cluster.put('hosts/node-9', '{"name":"nine","addresses":["10.50.0.20"]}');
    await cluster.putBlock('10.50.0.0-29', { node: 'node-1' });
    const one = cluster.join(1, { spare: 8 });
    const network = { address: address('10.50.0.0'), prefixLength: 28 };
    one.holder.setSelf({ name: 'one', addresses: {}, reflector: undefined, mtu: 1450, networks: [network] });

    await one.has(8);

    expect(one.holder.status().share.ranges).toEqual(['10.50.0.24 to 10.50.0.31']);
    expect(one.holder.status().problems).toContainEqual(
      expect.stringContaining('the pool a (10.50.0.0/27) overlaps with 10.50.0.0/28, which is on a link'),
    );
  });

  test('lease on from a block of which the key is overwritten', async () => {
    await using cluster = await BlocksCluster.start();
    await cluster.putPool('a', onePool);
    const one = cluster.join(1);
    await one.has(8);

    await cluster.put('blocks/10.50.0.0-29', 'nonsense');
    const says = () => one.holder.status().problems.some((text) => text.includes('10.50.0.0-29'));
    await until(says, 'the problem');
    one.addMany(2);
    await setTimeout(1_500);

    expect(one.containers.shared).toBe(8);
    const { kvs } = await cluster.etcd.get(
      `${cluster.prefix}/blocks/10.50.0.0-29`,
      new AbortController().signal,
    );
    expect(kvs[0]?.value).toBe('nonsense');
    await cluster.putBlock('10.50.0.0-29', { node: 'node-1' });
    await until(() => !says(), 'the problem to go');
  });

  test('lease from a block that comes back from a backup only what no other host has', async () => {
    await using cluster = await BlocksCluster.start();
    await cluster.putPool('a', smallPool);
    const [one, two] = [cluster.join(1), cluster.join(2)];
    await Promise.all([one.has(8), two.has(8)]);
    const leased = two.addMany(2);
    const [name = ''] = blocksOf(await cluster.table(), two);

    await cluster.putBlock(name, { node: 'node-1' });

    await until(() => one.containers.shared === 14, 'both blocks without what containers have');
    const table = await cluster.table();
    expect(new Set(loansOf(table, two))).toEqual(new Set(leased));
    expect(table.blocks.get(name)).toMatchObject({ node: 'node-1', state: 'confirmed' });
    expect(two.holder.status().problems).toEqual([]);
  });

  test('notice another machine with their id', async () => {
    await using cluster = await BlocksCluster.start();
    await cluster.putPool('a', smallPool);
    const one = cluster.join(1, { hostTtlSeconds: 2 });
    await one.has(8);

    await cluster.put('alive/node-1', 'the clone');

    const says = () => one.holder.status().problems.some((text) => text.includes('the clone'));
    await until(says, 'the problem');
    await until(() => one.containers.shared === 0, 'nothing to be leased');
    expect(() => one.addMany(1)).toThrow('see "fairlead ipam"');
    await cluster.del('alive/node-1');
    await until(() => !says(), 'the problem to go');
    await one.has(8);
  });

  test('lease nothing, and write nothing, while another machine with their id is there first', async () => {
    await using cluster = await BlocksCluster.start();
    await cluster.putPool('a', smallPool);
    const told: Reachability[] = [];
    const first = cluster.join(1, { hostTtlSeconds: 2 });
    await first.has(8);
    const before = await cluster.table();
    const dir = temporaryDirectory();
    const place = { ...cluster.place(1, { hostTtlSeconds: 2 }), dir: dir.path };
    const clone = new BlocksHost(place, {
      etcd: cluster.etcd,
      bootId: 'another',
      onChange: (reachability) => told.push(reachability),
    });
    try {
      await until(
        () => clone.holder.status().problems.some((text) => text.includes("has this machine's id")),
        'the problem of the clone',
      );
      await until(() => clone.containers.shared === 0, 'a share of nothing');
      expect(told).toEqual([]);
      expect((await cluster.table()).hosts).toEqual(before.hosts);
      expect(first.holder.status().problems).toEqual([]);

      await first.stop();
      await until(() => clone.containers.shared === 8, 'the clone to lease, when the first has gone');
    } finally {
      await clone.stop();
      dir[Symbol.dispose]();
    }
  });

  test('count an address as used that is routed to a container, although its lease is lost', async () => {
    await using cluster = await BlocksCluster.start();
    await cluster.putPool('a', { cidr: '10.50.0.0/29', blockSize: 29 });
    const { dataDir } = pathsOf(cluster.place(1));
    const config = { dataDir, network };
    const leases = createBlockLeases(config, { machine: realMachine, run: noLinks });
    const routed = ['10.50.0.7', '10.50.0.5'].map(address);
    const one = cluster.join(
      1,
      { leakIntervalMs: 300, spare: 2 },
      { leases: { ...leases, routed: () => Promise.resolve(routed) } },
    );
    await one.has(6);

    const two = cluster.join(2, { spare: 2 });
    await two.has(2);

    expect(loansOf(await cluster.table(), two)).not.toContain('10.50.0.7');
    expect(loansOf(await cluster.table(), two)).not.toContain('10.50.0.5');
    await until(
      () => one.holder.status().problems.some((text) => text.includes('10.50.0.7 is routed to a container')),
      'the problem',
    );
  });
});
