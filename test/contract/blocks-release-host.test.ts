import { describe, expect, test } from 'vitest';
import { releaseHost } from '../../lib/blocks/release-host.ts';
import { BlocksCluster, blocksOf } from '../support/blocks-cluster.ts';
import { address } from '../support/blocks-tables.ts';

/** Blocks of host 8, which is gone, and of others; and loans to and from it. */
async function createCluster(): Promise<BlocksCluster> {
  const cluster = await BlocksCluster.start();
  const loan = (text: string, node: string) => [text, { address: address(text), node }] as const;
  await cluster.putPool('a', { cidr: '10.50.0.0/24', blockSize: 29 });
  await cluster.put('hosts/node-8', '{"name":"host-8","addresses":[]}');
  await cluster.putBlock('10.50.0.0-29', { node: 'node-8' });
  await cluster.putBlock('10.50.0.8-29', {
    node: 'node-8',
    loans: new Map([loan('10.50.0.9', 'node-7'), loan('10.50.0.10', 'node-6'), loan('10.50.0.11', 'node-6')]),
  });
  await cluster.putBlock('10.50.0.16-29', {
    node: 'node-7',
    loans: new Map([loan('10.50.0.17', 'node-8'), loan('10.50.0.18', 'node-6')]),
    wanted: new Map([['node-8', 3]]),
  });
  return cluster;
}

const requestOf = ({ etcd, prefix }: BlocksCluster, host: string, { force = false } = {}) => ({
  etcd,
  prefix,
  host,
  force,
});

describe.concurrent('the release of a host', { timeout: 30_000 }, () => {
  test.each(['node-8', 'host-8'])('by %s takes its blocks, its loans and its wishes', async (host) => {
    await using cluster = await createCluster();

    const released = await releaseHost(requestOf(cluster, host));

    expect(released).toEqual({
      kind: 'released',
      node: 'node-8',
      blocks: ['10.50.0.0/29', '10.50.0.8/29'],
      loans: ['10.50.0.17'],
    });
    const table = await cluster.table();
    expect(table.hosts.size).toBe(0);
    expect(table.blocks.get('10.50.0.16-29')).toMatchObject({ node: 'node-7', wanted: new Map() });
    expect([...(table.blocks.get('10.50.0.16-29')?.loans.keys() ?? [])]).toEqual(['10.50.0.18']);
  });

  test('leaves what others have borrowed of it: the block is his who has most', async () => {
    await using cluster = await createCluster();

    await releaseHost(requestOf(cluster, 'node-8'));

    const { blocks } = await cluster.table();
    expect([...blocks.keys()]).toEqual(['10.50.0.16-29', '10.50.0.8-29']);
    expect(blocks.get('10.50.0.8-29')).toMatchObject({ node: 'node-6', state: 'pending' });
    expect([...(blocks.get('10.50.0.8-29')?.loans.keys() ?? [])]).toEqual(['10.50.0.9']);
  });

  test('is refused while it is alive, unless by force; then it claims what its containers have', async () => {
    await using cluster = await createCluster();
    const one = cluster.join(1);
    await one.has(8);
    one.addMany(1);
    const [name] = blocksOf(await cluster.table(), one);

    expect(await releaseHost(requestOf(cluster, 'host-1'))).toEqual({ kind: 'alive', name: 'host-1' });
    const released = await releaseHost(requestOf(cluster, 'host-1', { force: true }));

    expect(released).toMatchObject({ kind: 'released', node: 'node-1' });
    await cluster.until(
      (table) => blocksOf(table, one).includes(name ?? ''),
      'the block to be claimed again',
    );
  });

  test('is refused for ten minutes after its agent has ended: its containers may run on', async () => {
    await using cluster = await BlocksCluster.start();
    await cluster.putPool('a', { cidr: '10.50.0.0/24', blockSize: 29 });
    const one = cluster.join(1, { hostTtlSeconds: 2 });
    await one.has(8);
    await one.stop();
    await cluster.until(({ alive }) => alive.size === 0, 'the host to be gone');

    const refused = await releaseHost(requestOf(cluster, 'host-1'));
    expect(refused).toMatchObject({ kind: 'recent', name: 'host-1' });

    const longAgo = Math.floor(Date.now() / 1_000) - 601;
    await cluster.put('hosts/node-1', `{"name":"host-1","addresses":[],"lastSeen":${longAgo}}`);
    expect(await releaseHost(requestOf(cluster, 'host-1'))).toMatchObject({ kind: 'released' });
  });

  test('is told which are meant where there are several of a name, and of one that is unknown', async () => {
    await using cluster = await createCluster();
    await cluster.put('hosts/node-5', '{"name":"host-8","addresses":[]}');

    expect(await releaseHost(requestOf(cluster, 'host-8'))).toEqual({
      kind: 'ambiguous',
      nodes: ['node-5', 'node-8'],
    });
    expect(await releaseHost(requestOf(cluster, 'host-9'))).toEqual({ kind: 'unknown' });
  });

  test('may be asked for twice', async () => {
    await using cluster = await createCluster();
    await releaseHost(requestOf(cluster, 'node-8'));

    expect(await releaseHost(requestOf(cluster, 'node-8'))).toEqual({ kind: 'unknown' });
  });
});
