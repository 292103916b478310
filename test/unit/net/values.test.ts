import { describe, expect, test } from 'vitest';
import { formatAddress, parseAddress } from '../../../lib/net/address.ts';
import { cidrContains, formatCidr, lastAddress, networkOf, parseCidr } from '../../../lib/net/cidr.ts';
import { hash64 } from '../../../lib/net/hash.ts';
import { hostVethName, type IfName, ifNameProblem, parseIfName } from '../../../lib/net/ifname.ts';
import { deriveMac, parseMac } from '../../../lib/net/mac.ts';

const format = (text: string) => {
  const address = parseAddress(text);
  return address === undefined ? undefined : formatAddress(address);
};

describe('addresses', () => {
  test.each([
    ['10.1.2.3', '10.1.2.3'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['FD00:0:0:0:0:0:0:1', 'fd00::1'],
    ['fd00:0:0:1:0:0:0:1', 'fd00:0:0:1::1'],
    ['::', '::'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
  ])('%s is written canonically as %s', (text, canonical) => {
    expect(format(text)).toBe(canonical);
  });

  test.each([
    '',
    ' 10.1.2.3',
    '10.1.2.3/24',
    '010.1.2.3',
    '10.1.2',
    '256.1.1.1',
    'fe80::1%eth0',
    '1::2::3',
    'x',
    '10.1.2.3\n',
  ])('%j is no address', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});

describe('prefixes', () => {
  const cidr = (text: string) => {
    const parsed = parseCidr(text);
    if (parsed === undefined) throw new Error(text);
    return parsed;
  };

  test.each([
    ['10.1.2.3/24', '10.1.2.0/24', '10.1.2.255'],
    ['10.1.2.3/32', '10.1.2.3/32', '10.1.2.3'],
    ['10.1.2.3/0', '0.0.0.0/0', '255.255.255.255'],
    ['fd00::5/64', 'fd00::/64', 'fd00::ffff:ffff:ffff:ffff'],
  ])('%s lies in %s, whose last address is %s', (text, network, last) => {
    expect(formatCidr(networkOf(cidr(text)))).toBe(network);
    expect(formatAddress(lastAddress(cidr(text)))).toBe(last);
  });

  test.each(['10.1.2.3', '10.1.2.3/33', '10.1.2.3/-1', '10.1.2.3/024', 'fd00::/129', '/24', '10.1.2.3/'])(
    '%j is no prefix',
    (text) => {
      expect(parseCidr(text)).toBeUndefined();
    },
  );

  test('an address of the other family is never inside', () => {
    expect(cidrContains(cidr('0.0.0.0/0'), cidr('fd00::1/64').address)).toBe(false);
  });
});

describe('MACs', () => {
  test('are taken in either notation and written in lower case', () => {
    expect(parseMac('02-AB-CD-00-00-01')).toBe('02:ab:cd:00:00:01');
  });

  test.each([
    '',
    '02:ab:cd:00:00',
    '01:00:5e:00:00:01',
    'ff:ff:ff:ff:ff:ff',
    '00:00:00:00:00:00',
    '02:ab:cd:00:00:0g',
  ])('%j cannot be an interface’s', (text) => {
    expect(parseMac(text)).toBeUndefined();
  });

  test('that are derived are local, unicast, and all different', () => {
    const macs = Array.from({ length: 5000 }, (_, index) => deriveMac(`seed/${index}`));
    expect(new Set(macs).size).toBe(macs.length);
    for (const mac of macs) expect(Number.parseInt(mac.slice(0, 2), 16) & 3).toBe(2);
  });
});

describe('interface names', () => {
  test.each(['eth0', 'cni0.100', 'a', 'veth1234567890a', 'br_x-1'])('%s is a name', (text) => {
    expect(parseIfName(text)).toBe(text);
  });

  test.each([
    '',
    '.',
    '..',
    'all',
    'default',
    'a/b',
    'a:b',
    'a b',
    'a\tb',
    'a\nb',
    'a#b',
    'a"b',
    "a'b",
    'a\\b',
    'a%b',
    'a*',
    'a@b',
    'ä',
    'sixteen-letters-',
  ])('%j is refused with a reason', (text) => {
    expect(parseIfName(text)).toBeUndefined();
    expect(ifNameProblem(text)).toMatch(/\w/);
  });

  test('of host ends are derived from container and interface, and fit the kernel', () => {
    const name = hostVethName('container', 'eth0' as IfName);
    expect(name).toMatch(/^veth[0-9a-f]{8}$/);
    expect(hostVethName('container', 'eth1' as IfName)).not.toBe(name);
    expect(hostVethName('container', 'eth0' as IfName)).toBe(name);
  });
});

test('the hash spreads: 100,000 neighbouring texts give no equal 64 bits and few equal 32', () => {
  const hashes = Array.from({ length: 100_000 }, (_, index) => hash64(`container-${index}/eth0`));
  expect(new Set(hashes).size).toBe(hashes.length);
  const short = new Set(hashes.map((hash) => hash.slice(0, 8)));
  // 100,000²/2³³ = 1.2 equal pairs are to be expected of a random function.
  expect(short.size).toBeGreaterThan(hashes.length - 10);
});
