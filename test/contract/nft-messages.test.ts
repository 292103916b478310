import { expect, test, vi } from 'vitest';
import { encodeNft } from '../../lib/nft/encode.ts';
import type { NftOperation } from '../../lib/nft/operation.ts';
import { renderNft } from '../../lib/nft/render.ts';
import { findIn } from '../../lib/nft/set-types.ts';
import { declaredSets } from '../../lib/rules/declared-sets.ts';
import { removalsOf } from '../../lib/rules/rules.ts';
import { rulesetOf, writeInto } from '../support/nft-batches.ts';
import { randomChain, randomElement } from '../support/nft-random.ts';
import { sentByNft } from '../support/nft-sent.ts';
import { elementsOf, nftShapes } from '../support/nft-shapes.ts';
import { Random } from '../support/random.ts';
import { Rig } from '../support/rig.ts';

// What is sent to the kernel without nft is what nft would send, byte by byte.

vi.setConfig({ testTimeout: 30_000 });

const standing: readonly NftOperation[] = [
  ...declaredSets,
  ...declaredSets.map(({ table }) => ({
    kind: 'write-chain' as const,
    table,
    chain: randomChain,
    comment: '',
    rules: [],
  })),
];

function encoded(operations: readonly NftOperation[]) {
  const messages = encodeNft(operations, findIn(declaredSets));
  return messages?.map(({ type, body }) => ({ type, body: body.toString('hex') }));
}

test.each(Object.entries(nftShapes))('nft sends the same for %s', async (_, rules) => {
  await using rig = await Rig.create();
  await writeInto(rig.host, standing);

  const transactions = [elementsOf(rules), removalsOf(rules.own)];
  for (const operations of transactions.filter(({ length }) => length > 0)) {
    const sent = await sentByNft(rig.host, renderNft(operations).join('\n'));
    expect(encoded(operations)).toEqual(sent);
  }
});

test('nft sends the same for any element', async () => {
  await using rig = await Rig.create();
  await writeInto(rig.host, standing);
  const random = new Random();
  const before = await rulesetOf(rig.host);

  for (let round = 0; round < 40; round++) {
    const element = randomElement(random);
    const { table, set, key } = element;
    const operations: readonly NftOperation[] = [
      { kind: 'add-element', ...element },
      { kind: 'delete-element', table, set, key },
    ];
    const sent = await sentByNft(rig.host, renderNft(operations).join('\n'));
    expect(encoded(operations), `seed ${random.seed}`).toEqual(sent);
  }
  expect(await rulesetOf(rig.host)).toEqual(before);
});
