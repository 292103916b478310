import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Block } from '../../lib/blocks/table/block.ts';
import { KnownTable } from '../../lib/blocks/table/known-table.ts';
import type { StoredBlock } from '../../lib/blocks/table/overlap.ts';
import { BlockStore } from '../../lib/blocks/table/store.ts';
import { blockTableOf } from '../../lib/blocks/table/update-table.ts';
import { connectEtcd } from '../../lib/etcd/client.ts';
import type { Etcd } from '../../lib/etcd/etcd.ts';
import { startEtcd } from '../support/blocks-cluster.ts';
import { type Mishap, MishapEtcd } from '../support/blocks-mishap.ts';
import { cidr } from '../support/overlay-planes.ts';

const name = '10.50.0.0-29';
const pending: Block = {
  cidr: cidr('10.50.0.0/29'),
  node: 'me',
  state: 'pending',
  used: 0,
  loans: new Map(),
  wanted: new Map(),
};
const never = new AbortController().signal;

let etcd: Awaited<ReturnType<typeof startEtcd>>;
beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd[Symbol.asyncDispose]());

/** A store that knows one block, and of which the second write goes wrong. */
async function createStore(prefix: string, mishap: Mishap) {
  const real = connectEtcd(etcd.servers.config);
  const faulty = new MishapEtcd(real, { at: 2, mishap });
  const known = new KnownTable(prefix, () => 0);
  const store = new BlockStore(faulty.etcd, prefix, known);
  await store.claim(pending, never);
  known.hear({ kind: 'whole', ...(await real.list(prefix, never)) });
  const block = await find(store);
  return { store, block, faulty, real };
}

async function find(store: BlockStore): Promise<StoredBlock> {
  const block = (await store.settledTable(never)).blocks.get(name);
  if (block === undefined) throw new Error('the block is gone');
  return block;
}

async function stateIn(real: Etcd, prefix: string): Promise<string | undefined> {
  return blockTableOf(await real.list(prefix, never), prefix).blocks.get(name)?.state;
}

describe.concurrent('a write to a block', { timeout: 20_000 }, () => {
  test('that comes late comes to nothing once everything was read again', async () => {
    const { store, block, faulty, real } = await createStore('/late', 'late');
    await using _ = faulty;
    await expect(store.rewrite(block, { ...block, state: 'confirmed' }, never)).rejects.toThrow(
      'the answer is lost',
    );

    expect((await find(store)).state).toBe('pending');
    await faulty.hasHappened();

    expect(await stateIn(real, '/late')).toBe('pending');
  });

  test('that deletes late comes to nothing once everything was read again', async () => {
    const { store, block, faulty, real } = await createStore('/late-removal', 'late');
    await using _ = faulty;
    await expect(store.remove(block, never)).rejects.toThrow('the answer is lost');

    await find(store);
    await faulty.hasHappened();

    expect(await stateIn(real, '/late-removal')).toBe('pending');
  });

  test('of a run before comes to nothing once its block was doubted', async () => {
    const before = await createStore('/before', 'late');
    await using _ = before.faulty;
    await expect(
      before.store.rewrite(before.block, { ...before.block, state: 'confirmed' }, never),
    ).rejects.toThrow();
    const known = new KnownTable('/before', () => 0);
    const store = new BlockStore(before.real, '/before', known);
    known.hear({ kind: 'whole', ...(await before.real.list('/before', never)) });

    store.doubt(await find(store));
    await find(store);
    await before.faulty.hasHappened();

    expect(await stateIn(before.real, '/before')).toBe('pending');
  });

  test('of which only the answer was lost is known afterwards', async () => {
    const { store, block, faulty } = await createStore('/unanswered', 'unanswered');
    await using _ = faulty;
    await expect(store.rewrite(block, { ...block, state: 'confirmed' }, never)).rejects.toThrow();

    expect((await find(store)).state).toBe('confirmed');
  });

  test('is not made where somebody else was faster', async () => {
    const { store, block, faulty, real } = await createStore('/faster', 'never');
    await using _ = faulty;
    const other = new BlockStore(real, '/faster', new KnownTable('/faster', () => 0));
    await other.rewrite(block, { ...block, used: 3 }, never);

    const rival = new BlockStore(real, '/faster', new KnownTable('/faster', () => 0));

    expect(await rival.rewrite(block, { ...block, state: 'confirmed' }, never)).toBe(false);
    expect(await rival.claim(pending, never)).toBe(false);
    expect(await find(store)).toBeDefined();
  });
});
