import { expect, test } from 'vitest';
import { byText } from '../../../lib/blocks/decide/standing.ts';
import { UnknownBlocks } from '../../../lib/blocks/decide/unknown-blocks.ts';
import type { StoredBlock } from '../../../lib/blocks/table/overlap.ts';
import { ownOf } from '../../../lib/blocks/table/own.ts';
import { parseCidr } from '../../../lib/net/cidr.ts';
import { address, type BlockSaid, blockValue, tableOf } from '../../support/blocks-tables.ts';

const name = '10.50.0.0-29';

/** What a host knows of its one block, but for what a test says. */
function tracesOf({
  said = {},
  leased = [] as string[],
  isRemembered = false,
}: {
  said?: BlockSaid;
  leased?: string[];
  isRemembered?: boolean;
} = {}) {
  const table = tableOf({ [`blocks/${name}`]: blockValue(said) });
  const blocks = isRemembered ? table.blocks : new Map<string, StoredBlock>();
  return { own: ownOf(table, 'me'), leased: byText(leased.map(address)), memory: { blocks } };
}

test('a block of which there is no trace is unknown, and stays so when it is remembered from then on', () => {
  const unknown = new UnknownBlocks(undefined);

  expect(unknown.find(tracesOf())).toEqual(new Set([name]));
  expect(unknown.find(tracesOf({ isRemembered: true }))).toEqual(new Set([name]));
});

test.each([
  ['is remembered', tracesOf({ isRemembered: true })],
  ['has a lease', tracesOf({ leased: ['10.50.0.4'] })],
  ['is not leased from yet', tracesOf({ said: { state: 'pending' } })],
])('a block is known that %s', (_, traces) => {
  expect(new UnknownBlocks(undefined).find(traces)).toEqual(new Set());
});

test('a block is known that the run before has leased from, but not when it comes back later', () => {
  const pool = parseCidr('10.50.0.0/28');
  if (pool === undefined) throw new Error('no pool');
  const unknown = new UnknownBlocks({
    ranges: [{ pool, first: address('10.50.0.1'), last: address('10.50.0.3') }],
  });

  expect(unknown.find(tracesOf())).toEqual(new Set());
  expect(unknown.find(tracesOf())).toEqual(new Set([name]));
});
