import { describe, expect, test } from 'vitest';
import { carryOut } from '../../../lib/blocks/carry-out.ts';
import type { Action } from '../../../lib/blocks/decide/action.ts';
import type { Block } from '../../../lib/blocks/table/block.ts';
import { renderBlock } from '../../../lib/blocks/table/block-text.ts';
import type { StoredBlock } from '../../../lib/blocks/table/overlap.ts';
import type { Tried } from '../../../lib/exec/tried.ts';
import { formatAddress } from '../../../lib/net/address.ts';
import { address, type BlockSaid, blockValue, tableOf } from '../../support/blocks-tables.ts';

/** A block of eight addresses, 10.50.0.0/29. */
function blockOf(said: BlockSaid = {}): StoredBlock {
  const block = tableOf({ 'blocks/10.50.0.0-29': blockValue(said) }).blocks.get('10.50.0.0-29');
  if (block === undefined) throw new Error('no block');
  return block;
}

type Meanwhile = { readonly routed?: readonly string[]; readonly isLocked?: boolean };

/** Carries an action out while these addresses are leased. @returns what was done, in order */
async function doneBy(
  action: Action,
  leased: readonly string[] = [],
  { routed = [], isLocked = false }: Meanwhile = {},
): Promise<readonly string[]> {
  const done: string[] = [];
  const write = (text: string) => {
    done.push(text);
    return Promise.resolve(true);
  };
  const parts = {
    node: 'me',
    store: {
      claim: (block: Block) => write(`claim ${renderBlock(block)}`),
      rewrite: (_: StoredBlock, block: Block) => write(renderBlock(block)),
      remove: () => write('remove'),
    },
    leases: {
      addresses: () => leased.map(address),
      whileLocked: <T>(work: (found: ReturnType<typeof address>[]) => T): Tried<T> => {
        done.push('look');
        return isLocked ? { kind: 'locked' } : { kind: 'done', answer: work(leased.map(address)) };
      },
    },
    memory: { forget: () => undefined },
    lookAtRoutes: () => Promise.resolve(routed.map(address)),
    withhold: (addresses: readonly ReturnType<typeof address>[]) => {
      done.push(`withhold ${addresses.map(formatAddress).join(' ')}`);
    },
  };
  const outcome = await carryOut(action, parts, new AbortController().signal);
  return outcome === 'locked' ? [...done, 'locked'] : done;
}

describe('what is given up', () => {
  const addresses = ['10.50.0.6', '10.50.0.7'].map(address);

  test('is withdrawn, then looked at, and lent only where no container has got it meanwhile', async () => {
    const block = blockOf({ wanted: { other: 2, third: 1 } });

    const done = await doneBy({ kind: 'lend', block, to: 'other', addresses }, ['10.50.0.7']);

    expect(done).toEqual([
      'withhold 10.50.0.6 10.50.0.7',
      'look',
      blockValue({ loans: { '10.50.0.6': 'other' }, wanted: { third: 1 } }),
    ]);
  });

  test('is given back to its lender in the same way', async () => {
    const block = blockOf({ node: 'other', loans: { '10.50.0.6': 'me', '10.50.0.7': 'me' } });

    const done = await doneBy({ kind: 'return', block, addresses }, ['10.50.0.7']);

    expect(done).toEqual([
      'withhold 10.50.0.6 10.50.0.7',
      'look',
      blockValue({ node: 'other', loans: { '10.50.0.7': 'me' } }),
    ]);
  });

  test('is nothing where nothing can be lent, which answers the wish', async () => {
    const block = blockOf({ wanted: { other: 2 } });
    expect(await doneBy({ kind: 'lend', block, to: 'other', addresses: [] })).toEqual([blockValue()]);
  });
});

describe('an address that the kernel routes to a container, although no lease is there,', () => {
  const routed = ['10.50.0.7'];

  test('is not lent', async () => {
    const block = blockOf({ wanted: { other: 2 } });
    const addresses = ['10.50.0.6', '10.50.0.7'].map(address);

    const done = await doneBy({ kind: 'lend', block, to: 'other', addresses }, [], { routed });

    expect(done.at(-1)).toEqual(blockValue({ loans: { '10.50.0.6': 'other' } }));
  });

  test('is not given back', async () => {
    const block = blockOf({ node: 'other', loans: { '10.50.0.7': 'me' } });
    const addresses = routed.map(address);

    const done = await doneBy({ kind: 'return', block, addresses }, [], { routed });

    expect(done.at(-1)).toEqual(blockValue({ node: 'other', loans: { '10.50.0.7': 'me' } }));
  });

  test('keeps its block', async () => {
    const block = blockOf({ state: 'releasing' });
    expect(await doneBy({ kind: 'release', block }, [], { routed })).toEqual(['look', blockValue()]);
    expect(await doneBy({ kind: 'drop', block }, [], { routed })).toEqual(['look']);
  });
});

test('nothing is given up while somebody else leases or frees', async () => {
  const block = blockOf({ state: 'releasing' });
  const addresses = [address('10.50.0.6')];

  expect(await doneBy({ kind: 'release', block }, [], { isLocked: true })).toEqual(['look', 'locked']);
  expect(await doneBy({ kind: 'lend', block, to: 'other', addresses }, [], { isLocked: true })).toEqual([
    'withhold 10.50.0.6',
    'look',
    'locked',
  ]);
});

describe('a block that is being released', () => {
  const block = blockOf({ state: 'releasing' });

  test('goes when nothing of it is leased', async () => {
    expect(await doneBy({ kind: 'release', block }, ['10.50.0.8'])).toEqual(['look', 'remove']);
  });

  test('is leased from again when a container has got an address of it meanwhile', async () => {
    expect(await doneBy({ kind: 'release', block }, ['10.50.0.1'])).toEqual(['look', blockValue()]);
  });

  test('stays where something of it is lent', async () => {
    const lent = blockOf({ state: 'releasing', loans: { '10.50.0.6': 'other' } });
    expect(await doneBy({ kind: 'release', block: lent })).toEqual([
      'look',
      blockValue({ loans: { '10.50.0.6': 'other' } }),
    ]);
  });
});

test('a block that an older one overlaps with is not dropped while a container has an address of it', async () => {
  expect(await doneBy({ kind: 'drop', block: blockOf() }, ['10.50.0.1'])).toEqual(['look']);
  expect(await doneBy({ kind: 'drop', block: blockOf() })).toEqual(['look', 'remove']);
});

test('each other action is one write', async () => {
  const block = blockOf({ loans: { '10.50.0.6': 'other' }, wanted: { third: 1 } });
  const same = { loans: { '10.50.0.6': 'other' }, wanted: { third: 1 } };

  expect(await doneBy({ kind: 'claim', cidr: block.cidr, loans: block.loans })).toEqual([
    `claim ${blockValue({ state: 'pending', loans: same.loans })}`,
  ]);
  expect(await doneBy({ kind: 'confirm', block })).toEqual([blockValue(same)]);
  expect(await doneBy({ kind: 'suspend', block })).toEqual([blockValue({ ...same, state: 'pending' })]);
  expect(await doneBy({ kind: 'mark', block, addresses: [address('10.50.0.5')] })).toEqual([
    blockValue({ ...same, loans: { '10.50.0.6': 'other', '10.50.0.5': 'me' } }),
  ]);
  expect(await doneBy({ kind: 'withdraw', block })).toEqual([blockValue({ ...same, state: 'releasing' })]);
  expect(await doneBy({ kind: 'want', block, count: 3 })).toEqual([
    blockValue({ ...same, wanted: { third: 1, me: 3 } }),
  ]);
  expect(await doneBy({ kind: 'unwant', block: blockOf({ wanted: { me: 3 } }) })).toEqual([blockValue()]);
  expect(await doneBy({ kind: 'tell', block }, ['10.50.0.1', '10.50.0.6', '10.50.0.9'])).toEqual([
    blockValue({ ...same, used: 1 }),
  ]);
});
