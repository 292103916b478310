import { describe, expect, test, vi } from 'vitest';
import type { NftOperation, WriteChain } from '../../lib/nft/operation.ts';
import { declaredSets } from '../../lib/rules/declared-sets.ts';
import { removalsOf } from '../../lib/rules/rules.ts';
import { portmapTable } from '../../lib/rules/tables.ts';
import { carryOutIn, openBoth, rulesetOf, ways } from '../support/nft-batches.ts';
import { randomBatches, randomChain } from '../support/nft-random.ts';
import { elementsOf, hostPorts, lastingOf, nftShapes } from '../support/nft-shapes.ts';
import { mustInside } from '../support/process.ts';
import { Random } from '../support/random.ts';
import { Rig } from '../support/rig.ts';

// Two ways to change nftables, one contract: nft, and messages to the kernel without a process.

vi.setConfig({ testTimeout: process.env.SOAK === '1' ? 300_000 : 30_000 });

const chain: WriteChain = {
  kind: 'write-chain',
  table: portmapTable,
  chain: randomChain,
  comment: '',
  rules: [],
};

describe('what the planners want comes about without a process, and is the same', () => {
  test.each(Object.entries(nftShapes))('%s', async (_, rules) => {
    await using rig = await Rig.create();
    const netns = await openBoth(rig, lastingOf(rules));

    for (const batch of [elementsOf(rules), removalsOf(rules.own)]) {
      const [, byShortcut] = await Promise.all(
        ways.map((way) => carryOutIn(rig, netns[way], { way, batches: [batch] })),
      );

      expect(byShortcut?.sum).toEqual({ processes: 0, errors: 0 });
      expect(await rulesetOf(netns.shortcut)).toEqual(await rulesetOf(netns.nft));
    }
  });
});

test('random transactions succeed and fail alike, with the same errors, and leave the same', async () => {
  await using rig = await Rig.create();
  const random = new Random();
  const netns = await openBoth(rig, [...declaredSets, chain]);
  const batches = randomBatches(random, process.env.SOAK === '1' ? 2_000 : 100);

  const byNft = await carryOutIn(rig, netns.nft, { way: 'nft', batches });
  const byShortcut = await carryOutIn(rig, netns.shortcut, { way: 'shortcut', batches });

  const errorsOf = ({ answers }: typeof byNft) => answers.map(({ error }) => error);
  expect(errorsOf(byShortcut), `seed ${random.seed}`).toEqual(errorsOf(byNft));
  expect(await rulesetOf(netns.shortcut), `seed ${random.seed}`).toEqual(await rulesetOf(netns.nft));
  // What fails nft is asked about; what does not needs it for nothing.
  expect(byShortcut.sum.processes).toBe(byShortcut.sum.errors);
  expect(byNft.sum.errors).toBeGreaterThan(20);
  expect(byNft.sum.errors).toBeLessThan(batches.length - 20);
});

test('a port that somebody has fails in nft’s words, and nothing else of the transaction is there', async () => {
  await using rig = await Rig.create();
  const netns = await openBoth(rig, [...lastingOf(hostPorts), ...hostPorts.own.slice(2, 3)]);
  const before = await rulesetOf(netns.nft);

  const failures = await Promise.all(
    ways.map((way) => carryOutIn(rig, netns[way], { way, batches: [hostPorts.own] })),
  );

  const [error, ofShortcut] = failures.map(({ answers }) => answers[0]?.error);
  expect(error).toMatch(/File exists/);
  expect(ofShortcut).toBe(error);
  expect(await rulesetOf(netns.shortcut)).toEqual(before);
});

test('a ruleset that was flushed fails in nft’s words', async () => {
  await using rig = await Rig.create();
  const netns = await openBoth(rig, []);

  const failures = await Promise.all(
    ways.map((way) => carryOutIn(rig, netns[way], { way, batches: [hostPorts.own] })),
  );

  const [error, ofShortcut] = failures.map(({ answers }) => answers[0]?.error);
  expect(error).toMatch(/No such file or directory/);
  expect(ofShortcut).toBe(error);
});

test('who may not change the network fails in nft’s words', async () => {
  await using rig = await Rig.create();
  const netns = await openBoth(rig, lastingOf(hostPorts));
  const isPowerless = true;

  const failures = await Promise.all(
    ways.map((way) => carryOutIn(rig, netns[way], { way, batches: [hostPorts.own], isPowerless })),
  );

  const [error, ofShortcut] = failures.map(({ answers }) => answers[0]?.error);
  expect(error).toMatch(/Operation not permitted/);
  expect(ofShortcut).toBe(error);
});

test('in another namespace than the process began in, nft does all of it', async () => {
  await using rig = await Rig.create();
  const netns = await openBoth(rig, lastingOf(hostPorts));
  const before = await rulesetOf(netns.shortcut);
  const order = { way: 'shortcut', batches: [hostPorts.own] } as const;

  const { sum } = await carryOutIn(rig, netns.shortcut, { ...order, elsewhere: `/run/netns/${netns.nft}` });

  expect(sum).toEqual({ processes: 1, errors: 0 });
  expect(await rulesetOf(netns.shortcut)).toEqual(before);
  expect(await mustInside(netns.nft, 'nft', 'list', 'ruleset')).toContain('tcp . 8080');
});

test('a transaction with a chain is nft’s as a whole', async () => {
  await using rig = await Rig.create();
  const netns = await openBoth(rig, lastingOf(hostPorts));

  const { sum } = await carryOutIn(rig, netns.shortcut, {
    way: 'shortcut',
    batches: [[chain, ...hostPorts.own]],
  });

  expect(sum).toEqual({ processes: 1, errors: 0 });
  expect(await mustInside(netns.shortcut, 'nft', 'list', 'ruleset')).toContain('tcp . 8080');
});

test('more elements than a socket takes at once come about all the same', async () => {
  await using rig = await Rig.create();
  const netns = await openBoth(rig, lastingOf(hostPorts));
  const many = Array.from({ length: 4_000 }, (_, at): NftOperation => {
    const [first] = hostPorts.own;
    if (first?.kind !== 'create-element') throw new Error('a host port comes first');
    return { ...first, key: ['tcp', `${at + 1}`] };
  });

  const { sum } = await carryOutIn(rig, netns.shortcut, {
    way: 'shortcut',
    batches: [many.slice(0, 400), many.slice(400), hostPorts.own.slice(-1)],
  });

  expect(sum).toEqual({ processes: 1, errors: 0 });
  expect((await mustInside(netns.shortcut, 'nft', 'list', 'ruleset')).match(/tcp \. \d+/g)).toHaveLength(
    4_000,
  );
});

test('processes that change the same sets at once do not hinder one another', async () => {
  await using rig = await Rig.create();
  const netns = await openBoth(rig, [...declaredSets]);
  const batchesOf = (at: number) => {
    const own: NftOperation[] = [1, 2, 3].map((port) => ({
      kind: 'create-element',
      what: 'a port',
      table: portmapTable,
      set: 'portmap4',
      key: ['tcp', `${at * 10 + port}`],
      value: ['10.0.0.1', '80'],
    }));
    return [own, own.map(({ kind: _, ...each }) => ({ ...each, kind: 'delete-element' }) as NftOperation)];
  };

  const reports = await Promise.all([
    ...[1, 2, 3].map((at) =>
      carryOutIn(rig, netns.shortcut, { way: 'shortcut', batches: batchesOf(at), times: 400 }),
    ),
    carryOutIn(rig, netns.shortcut, { way: 'nft', batches: batchesOf(4), times: 30 }),
  ]);

  expect(reports.map(({ sum }) => sum)).toEqual([
    ...Array(3).fill({ processes: 0, errors: 0 }),
    { processes: 60, errors: 0 },
  ]);
});

test('thousands of transactions leave files and memory as they were', async () => {
  await using rig = await Rig.create();
  const netns = await openBoth(rig, lastingOf(hostPorts));

  const { sum, before, after } = await carryOutIn(rig, netns.shortcut, {
    way: 'shortcut',
    batches: [hostPorts.own, removalsOf(hostPorts.own)],
    times: 5_000,
  });

  expect(sum).toEqual({ processes: 0, errors: 0 });
  expect(after.files).toBe(before.files);
  expect(after.bytes - before.bytes).toBeLessThan(30 * 1024 * 1024);
});
