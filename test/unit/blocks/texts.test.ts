import { describe, expect, test } from 'vitest';
import { parseBlockName, renderBlockName } from '../../../lib/blocks/table/block-name.ts';
import { parseBlock, renderBlock } from '../../../lib/blocks/table/block-text.ts';
import { parseHost, renderHost } from '../../../lib/blocks/table/host-text.ts';
import { parsePool, renderPool } from '../../../lib/blocks/table/pool-text.ts';
import { formatCidr } from '../../../lib/net/cidr.ts';
import { address, blockValue } from '../../support/blocks-tables.ts';
import { Random } from '../../support/random.ts';

describe('the value of a pool', () => {
  test('has blocks of 64 addresses where nothing is said', () => {
    expect(parsePool('a', '{"cidr":"10.50.0.0/16"}')).toMatchObject({
      blockLength: 26,
      natOutgoing: false,
      isDisabled: false,
    });
    expect(parsePool('b', '{"cidr":"fd00:50::/64"}')).toMatchObject({ blockLength: 122 });
  });

  test('is one block where the pool is smaller than that', () => {
    expect(parsePool('a', '{"cidr":"10.50.0.0/28"}').blockLength).toBe(28);
  });

  test('is rendered as it is parsed', () => {
    const pool = parsePool('a', '{"cidr":"10.50.0.0/16","blockSize":28,"natOutgoing":true,"disabled":true}');
    expect(parsePool('a', renderPool(pool))).toEqual(pool);
  });

  test.each([
    ['nonsense', /not JSON/],
    ['[]', /object/],
    ['{}', /cidr: is required/],
    ['{"cidr":"10.50.0.1/16"}', /10\.50\.0\.0\/16 without host bits/],
    ['{"cidr":"10.50.0.0/16","blockSize":15}', /from 20 to 32/],
    ['{"cidr":"10.50.0.0/24","blockSize":22}', /from 24 to 32/],
    ['{"cidr":"fd00::/64","blockSize":64}', /from 116 to 128/],
    ['{"cidr":"10.50.0.0/31"}', /at most \/30/],
    ['{"cidr":"10.50.0.0/16","blocksize ":26}', /no such field/],
    ['{"cidr":"10.50.0.0/16","disabled":"no"}', /true or false/],
  ])('is refused where it is %s', (value, why) => {
    expect(() => parsePool('a', value)).toThrow(why);
  });

  test.each([
    ...[
      '0.0.0.0/0',
      '0.0.0.0/8',
      '127.0.0.0/16',
      '169.254.0.0/24',
      '128.0.0.0/1',
      '224.0.0.0/24',
      '240.0.0.0/8',
    ],
    ...['::/0', '::/64', 'fe80::/64', 'ff02::/112'],
  ])("is refused where packets to %s would be the host's own", (cidr) => {
    expect(() => parsePool('a', JSON.stringify({ cidr }))).toThrow(/a network that has nothing of/);
  });

  test('may be of a network for documentation', () => {
    expect(parsePool('a', '{"cidr":"192.0.2.0/24"}').blockLength).toBe(26);
  });

  test('is refused under a name that no status could show', () => {
    expect(() => parsePool('a\nb', '{"cidr":"10.50.0.0/16"}')).toThrow(/a name of letters/);
  });
});

describe('the value of a host', () => {
  test('is rendered as it is parsed', () => {
    const host = {
      node: 'me',
      name: 'one',
      addresses: { 4: address('192.0.2.1'), 6: address('2001:db8::1') },
      reflector: '10.0.0.1',
    };
    expect(parseHost('me', renderHost(host))).toEqual(host);
    expect(parseHost('me', renderHost({ ...host, lastSeen: 60 }))).toEqual({ ...host, lastSeen: 60 });
  });

  test.each([
    ['{"addresses":[]}', /name: is required/],
    ['{"name":"one"}', /addresses: is required/],
    ['{"name":"one","addresses":["192.0.2.1","192.0.2.2"]}', /one address of each family/],
    ['{"name":"one","addresses":["127.0.0.1"]}', /the address of a host/],
    ['{"name":"one","addresses":["fe80::1"]}', /the address of a host/],
    ['{"name":"one","addresses":[7]}', /a string/],
    ['{"name":"o\\u0007ne","addresses":[]}', /a name of at most/],
    ['{"name":"one","addresses":[],"reflector":"::1"}', /cluster id/],
  ])('is refused where it is %s', (value, why) => {
    expect(() => parseHost('me', value)).toThrow(why);
  });
});

describe('the value of a block', () => {
  test('is rendered as it is parsed', () => {
    const value = blockValue({ used: 3, loans: { '10.50.0.7': 'other' }, wanted: { third: 8 } });
    const block = parseBlock('10.50.0.0-29', value);

    expect(renderBlock(block)).toBe(value);
    expect(block.loans.get('10.50.0.7')).toEqual({ address: address('10.50.0.7'), node: 'other' });
  });

  test('has no more used than it has addresses, and that is told', () => {
    const noted: string[] = [];
    const note = (problem: string) => noted.push(problem);

    expect(parseBlock('10.50.0.0-29', blockValue({ used: 9 }), note).used).toBe(8);
    expect(parseBlock('10.50.0.0-29', blockValue({ used: -1 }), note).used).toBe(0);

    expect(noted).toEqual([expect.stringContaining('used: 9'), expect.stringContaining('used: -1')]);
  });

  test('may come without what is empty', () => {
    expect(parseBlock('10.50.0.0-29', '{"node":"me","state":"pending"}')).toMatchObject({
      used: 0,
      loans: new Map(),
      wanted: new Map(),
    });
  });

  test.each([
    ['{"state":"confirmed"}', /node: is required/],
    ['{"node":"a b","state":"confirmed"}', /the id of a host/],
    ['{"node":"me","state":"lost"}', /pending, confirmed, releasing/],
    ['{"node":"me","state":"confirmed","used":"9"}', /a whole number/],
    ['{"node":"me","state":"confirmed","loans":{"10.50.0.8":"other"}}', /addresses of 10\.50\.0\.0\/29/],
    ['{"node":"me","state":"confirmed","loans":{"10.50.0.7":"me"}}', /another host/],
    [
      '{"node":"me","state":"confirmed","loans":{"10.50.0.7":"a","::ffff:10.50.0.7":"b"}}',
      /each address once/,
    ],
    ['{"node":"me","state":"confirmed","loans":["10.50.0.7"]}', /an object/],
    ['{"node":"me","state":"confirmed","wanted":{"other":0}}', /from 1 to 4096/],
    ['{"node":"me","state":"confirmed","wanted":{"other":1.5}}', /from 1 to 4096/],
  ])('is refused where it is %s', (value, why) => {
    expect(() => parseBlock('10.50.0.0-29', value)).toThrow(why);
  });

  test.each(['10.50.0.1-29', '10.50.0.0-8', '10.50.0.0', '10.50.0.0-029', 'FD00::-122', 'fd00:0::-122', ''])(
    'is refused under the name "%s"',
    (name) => {
      expect(() => parseBlock(name, blockValue())).toThrow(/the key/);
    },
  );
});

test('no text of a foreign hand is thrown at with anything but a refusal', () => {
  const random = new Random();
  const texts = [
    blockValue({ loans: { '10.50.0.7': 'other' } }),
    '{"cidr":"10.50.0.0/16"}',
    '{"name":"a","addresses":["192.0.2.1"]}',
  ];
  for (let round = 0; round < 3_000; round++) {
    const text = damage(random.pick(texts), random);
    for (const parse of [parseBlock, parsePool, parseHost])
      expect(outcomeOf(() => parse('10.50.0.0-29', text))).toMatch(/^(parsed|CniError)$/);
  }
});

test('a name stands for one block, and a block has one name', () => {
  for (const name of ['10.50.0.64-26', 'fd00:50::40-122']) {
    const cidr = parseBlockName(name);
    expect(cidr && renderBlockName(cidr)).toBe(name);
    expect(cidr && formatCidr(cidr)).toBe(name.replace('-', '/'));
  }
});

function damage(text: string, random: Random): string {
  const at = random.below(text.length);
  return (
    text.slice(0, at) +
    random.pick(['', '"', '{', 'null', '-1', '9e9', '[]', ':']) +
    text.slice(at + random.below(4))
  );
}

function outcomeOf(work: () => unknown): string {
  try {
    work();
    return 'parsed';
  } catch (error) {
    return error instanceof Error ? error.name : 'something else';
  }
}
