import { expect, test } from 'vitest';
import { encodeNft } from '../../lib/nft/encode.ts';
import { findIn } from '../../lib/nft/set-types.ts';
import { declaredSets } from '../../lib/rules/declared-sets.ts';
import { removalsOf } from '../../lib/rules/rules.ts';
import { elementsOf, nftShapes } from '../support/nft-shapes.ts';

// The exact messages by which a resident worker changes elements; a contract test has nft send the same.

const cases = [
  'host ports on a bridge',
  'an isolated bridge',
  'a port that may send only what is its own',
] as const;

test.each(cases)('%s', async (name) => {
  const rules = nftShapes[name] ?? { shared: [], own: [] };
  const text = [
    '# ADD',
    ...renderMessages(elementsOf(rules)),
    '# DEL',
    ...renderMessages(removalsOf(rules.own)),
  ];

  await expect(`${text.join('\n')}\n`).toMatchFileSnapshot(`expected/nft messages, ${name}.txt`);
});

function renderMessages(operations: Parameters<typeof encodeNft>[0]): readonly string[] {
  const messages = encodeNft(operations, findIn(declaredSets)) ?? [];
  return messages.flatMap(({ type, flags, body }) => [
    `type ${type.toString(16)} flags ${flags.toString(16)}`,
    ...(body.toString('hex').match(/.{1,64}/g) ?? []).map((line) => `  ${line}`),
  ]);
}
