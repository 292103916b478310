import { expect, test } from 'vitest';
import { Preparation } from '../../../lib/blocks/preparation.ts';
import { ownOf } from '../../../lib/blocks/table/own.ts';
import type { Reachability } from '../../../lib/routing/router.ts';
import { blockValue, tableOf } from '../../support/blocks-tables.ts';

const tableWith = (loans: Readonly<Record<string, string>>) =>
  tableOf({ 'blocks/10.50.0.0-29': blockValue({ loans }) });

test('an address that comes back is held until the ways were made anew, and a little longer', async () => {
  let nowMs = 0;
  let isBroken = false;
  const wishes: Reachability[] = [];
  const prepare = (wish: Reachability) => {
    wishes.push(wish);
    return isBroken ? Promise.reject(new Error('no')) : Promise.resolve();
  };
  const preparation = new Preparation({ node: 'me', prepare, nowMs: () => nowMs });
  const ensure = (loans: Readonly<Record<string, string>>) => {
    const table = tableWith(loans);
    return preparation.ensure(ownOf(table, 'me'), table);
  };
  await ensure({ '10.50.0.6': 'other', '10.50.0.7': 'other' });
  expect(preparation.returning).toEqual(new Set());

  isBroken = true;
  await expect(ensure({ '10.50.0.6': 'other' })).rejects.toThrow('no');
  nowMs = 60_000;
  await expect(ensure({ '10.50.0.6': 'other' })).rejects.toThrow('no');
  expect(preparation.returning).toEqual(new Set(['10.50.0.7']));

  isBroken = false;
  await ensure({ '10.50.0.6': 'other' });
  expect(preparation.returning).toEqual(new Set(['10.50.0.7']));
  expect(wishes.at(-1)?.table.blocks.get('10.50.0.0-29')?.loans.size).toBe(1);
  nowMs = 61_000;
  await ensure({ '10.50.0.6': 'other' });

  expect(preparation.returning).toEqual(new Set());
  expect(wishes).toHaveLength(4);
});
