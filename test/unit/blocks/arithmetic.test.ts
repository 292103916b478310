import { describe, expect, test } from 'vitest';
import { blockCountOf, nextFreeBlock } from '../../../lib/blocks/decide/free-block.ts';
import { describeRange } from '../../../lib/blocks/share/share-publisher.ts';
import { shareRanges } from '../../../lib/blocks/share/share-ranges.ts';
import { sizeOf } from '../../../lib/blocks/table/block-size.ts';
import { ownOf } from '../../../lib/blocks/table/own.ts';
import type { Pool } from '../../../lib/blocks/table/pool.ts';
import { parsePool } from '../../../lib/blocks/table/pool-text.ts';
import { type Cidr, cidrsOverlap, formatCidr, isWithin } from '../../../lib/net/cidr.ts';
import { blockValue, tableOf } from '../../support/blocks-tables.ts';
import { cidr } from '../../support/overlay-planes.ts';
import { Random } from '../../support/random.ts';

const poolOf = (text: string, blockSize: number): Pool =>
  parsePool('a', JSON.stringify({ cidr: text, blockSize }));

describe('the next free block of a pool', () => {
  test('is found until all are taken, and never overlaps', () => {
    const pool = poolOf('10.50.0.0/24', 28);
    const taken: Cidr[] = [];
    for (let number = 0; number < 16; number++) {
      const found = nextFreeBlock(pool, taken, `node-${number}`);
      if (found === undefined) throw new Error(`nothing free after ${number}`);
      expect(taken.some((other) => cidrsOverlap(other, found))).toBe(false);
      expect(isWithin(found, pool.cidr)).toBe(true);
      taken.push(found);
    }

    expect(nextFreeBlock(pool, taken, 'node-17')).toBeUndefined();
  });

  test('is as random hands have left it, whatever lengths they have used', () => {
    const random = new Random();
    const pool = poolOf('10.50.0.0/24', 29);
    for (let round = 0; round < 300; round++) {
      const taken = Array.from({ length: random.below(20) }, () =>
        cidr(`10.50.0.${random.below(256)}/${25 + random.below(8)}`),
      );
      const found = nextFreeBlock(pool, taken, `node-${round}`);
      const blocks = Array.from({ length: 32 }, (_, at) => cidr(`10.50.0.${at * 8}/29`));
      const free = blocks
        .filter((block) => !taken.some((other) => cidrsOverlap(other, block)))
        .map(formatCidr);
      if (found === undefined) expect(free).toEqual([]);
      else expect(free).toContain(formatCidr(found));
    }
  });

  test('is found in a pool that has more than could be looked at', () => {
    const pool = poolOf('fd00::/32', 122);
    const found = nextFreeBlock(pool, [cidr('fd00::/33')], 'me');

    expect(found && isWithin(found, cidr('fd00:0:8000::/33'))).toBe(true);
    expect(blockCountOf(pool)).toBe(2n ** 90n);
  });

  test('is rarely the same for two hosts, and the same when a host begins anew', () => {
    const pool = poolOf('10.50.0.0/16', 26);
    const nodes = Array.from({ length: 64 }, (_, at) => `node-${at}`);
    const firsts = () =>
      nodes.map((node) => nextFreeBlock(pool, [], node)).map((found) => found && formatCidr(found));

    expect(new Set(firsts()).size).toBeGreaterThan(56);
    expect(firsts()).toEqual(firsts());
  });
});

describe('what is leased from', () => {
  const keys = {
    'pools/a': '{"cidr":"10.50.0.0/24","blockSize":29}',
    'blocks/10.50.0.0-29': blockValue({ loans: { '10.50.0.3': 'other' } }),
    'blocks/10.50.0.8-29': blockValue({ state: 'pending' }),
    'blocks/10.50.0.16-29': blockValue({ state: 'releasing' }),
    'blocks/10.50.0.24-29': blockValue({
      node: 'other',
      loans: { '10.50.0.25': 'me', '10.50.0.26': 'me', '10.50.0.28': 'me' },
    }),
  };
  const shown = (withheld: readonly string[], reachable: readonly string[], said: object = keys) => {
    const table = tableOf(said as typeof keys);
    const shared = {
      own: ownOf(table, 'me'),
      pools: table.pools,
      withheld: new Set(withheld),
      reachable: new Set(reachable),
    };
    return shareRanges(shared).map(describeRange);
  };

  test('is every confirmed block without what is lent, and what is borrowed', () => {
    expect(shown([], ['10.50.0.25', '10.50.0.26', '10.50.0.28'])).toEqual([
      '10.50.0.0 to 10.50.0.2',
      '10.50.0.4 to 10.50.0.7',
      '10.50.0.25 to 10.50.0.26',
      '10.50.0.28',
    ]);
  });

  test('is nothing that is being given up, or that there is no way to', () => {
    expect(shown(['10.50.0.0', '10.50.0.28'], ['10.50.0.28', '10.50.0.25'])).toEqual([
      '10.50.0.1 to 10.50.0.2',
      '10.50.0.4 to 10.50.0.7',
      '10.50.0.25',
    ]);
  });

  test('is nothing that lies in no pool', () => {
    expect(shown([], [], { ...keys, 'pools/a': '{"cidr":"10.99.0.0/24"}' })).toEqual([]);
  });
});

test('a block has all of its addresses', () => {
  expect(sizeOf(cidr('10.50.0.0/26'))).toBe(64);
  expect(sizeOf(cidr('fd00::/122'))).toBe(64);
  expect(sizeOf(cidr('10.50.0.1/32'))).toBe(1);
});
