import { describe, expect, test } from 'vitest';
import { apartFrom, underlayOf, underlayProblems } from '../../../lib/blocks/decide/underlay.ts';
import { ownOf } from '../../../lib/blocks/table/own.ts';
import { asHost, formatCidr } from '../../../lib/net/cidr.ts';
import { address, blockValue, tableOf } from '../../support/blocks-tables.ts';

const link = { address: address('10.50.0.0'), prefixLength: 29 };
const elsewhere = { address: address('192.0.2.0'), prefixLength: 24 };
const table = tableOf({
  'pools/a': '{"cidr":"10.50.0.0/24","blockSize":28}',
  'hosts/one': '{"name":"one","addresses":["10.50.0.20"]}',
  'hosts/two': '{"name":"two","addresses":["10.50.0.21"]}',
  'hosts/far': '{"name":"far","addresses":["192.0.2.9"]}',
  'blocks/10.50.0.0-28': blockValue(),
  'blocks/10.50.0.16-28': blockValue({ node: 'other', loans: { '10.50.0.20': 'me', '10.50.0.22': 'me' } }),
  'blocks/10.50.0.32-28': blockValue(),
});

describe('what hosts are reached by', () => {
  test('is what of links and of hosts lies in a pool', () => {
    expect(underlayOf(table, [link, elsewhere]).map(formatCidr)).toEqual([
      '10.50.0.0/29',
      '10.50.0.20/32',
      '10.50.0.21/32',
    ]);
  });

  test('is told of with pool and network, one host for all', () => {
    expect(underlayProblems(table, [link])).toEqual([
      expect.stringMatching(
        /^the pool a \(10\.50\.0\.0\/24\) overlaps with 10\.50\.0\.0\/29, which is on a link/,
      ),
      expect.stringContaining('10.50.0.20, the address of the host one'),
    ]);
    expect(underlayProblems({ ...table, hosts: new Map() }, [elsewhere])).toEqual([]);
  });

  test('is leased from by nobody: neither the blocks around it, nor the borrowed addresses in it', () => {
    const { blocks, borrowed } = apartFrom(underlayOf(table, [link]), ownOf(table, 'me'));

    expect(blocks.map(({ cidr }) => formatCidr(cidr))).toEqual(['10.50.0.32/28']);
    expect(borrowed.map((each) => formatCidr(asHost(each.address)))).toEqual(['10.50.0.22/32']);
  });
});
