import { describe, expect, test } from 'vitest';
import { formatCidr } from '../../../lib/net/cidr.ts';
import { chooseSubnet, fitsConfig, type SubnetChoice } from '../../../lib/overlay/lease/choose-subnet.ts';
import { parseNetworkConfig } from '../../../lib/overlay/lease/network-config.ts';
import { cidr } from '../../support/overlay-planes.ts';
import { Random } from '../../support/random.ts';

const configOf = (config: object) =>
  parseNetworkConfig(
    JSON.stringify({ Network: '10.5.0.0/20', ...config, Backend: { Type: 'vxlan' } }),
    'config',
  );

/** Fifteen subnets: 10.5.1.0/24 to 10.5.15.0/24. */
const small = configOf({});
const dual = configOf({ EnableIPv6: true, IPv6Network: 'fd00:5::/48' });

const random = new Random(1);
const draw = () => random.below(2 ** 32) / 2 ** 32;

const choose = (choice: Partial<SubnetChoice>) => {
  const { 4: v4, 6: v6 } = chooseSubnet({ config: small, taken: [], preferred: {}, random: draw, ...choice });
  return [v4, v6].map((subnet) => subnet && formatCidr(subnet));
};

const allBut = (...free: readonly number[]) =>
  Array.from({ length: 16 }, (_, third) => third)
    .filter((third) => !free.includes(third))
    .map((third) => cidr(`10.5.${third}.0/24`));

describe('the subnet that the host had before', () => {
  test('is taken again', () => {
    expect(choose({ preferred: { 4: cidr('10.5.9.0/24') } })).toEqual(['10.5.9.0/24', undefined]);
  });

  test.each<[string, string, readonly string[]]>([
    ['somebody has it', '10.5.9.0/24', ['10.5.9.0/24']],
    ['somebody has a part of it', '10.5.9.0/24', ['10.5.9.64/26']],
    ['somebody has more than it', '10.5.9.0/24', ['10.5.8.0/21']],
    ['its length is another', '10.5.9.0/25', []],
    ['it is the first, which is left out', '10.5.0.0/24', []],
    ['it is of another network', '10.6.9.0/24', []],
    ['it has host bits', '10.5.9.1/24', []],
  ])('is not when %s', (_, preferred, taken) => {
    const [chosen] = choose({ preferred: { 4: cidr(preferred) }, taken: taken.map(cidr) });

    expect(chosen).toMatch(/^10\.5\.\d+\.0\/24$/);
    expect(chosen).not.toBe(preferred);
  });

  test('is kept for one family though the other one is taken', () => {
    const preferred = { 4: cidr('10.5.9.0/24'), 6: cidr('fd00:5:0:9::/64') };

    const [v4, v6] = choose({ config: dual, preferred, taken: [cidr('10.5.9.0/24')] });

    expect(v4).not.toBe('10.5.9.0/24');
    expect(v6).toBe('fd00:5:0:9::/64');
  });
});

test('any that is free is as likely as another, be it the first or the last', () => {
  const counts = new Map<string, number>();
  for (let round = 0; round < 3_000; round++) {
    const [chosen = ''] = choose({ taken: allBut(1, 7, 15) });
    counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
  }

  expect([...counts.keys()].sort()).toEqual(['10.5.1.0/24', '10.5.15.0/24', '10.5.7.0/24']);
  expect(Math.min(...counts.values())).toBeGreaterThan(900);
});

test('the only one that is free is found', () => {
  expect(choose({ taken: allBut(11) })).toEqual(['10.5.11.0/24', undefined]);
});

test('whatever is taken, what is chosen is in the range and overlaps with nothing', () => {
  const lengths = [20, 22, 23, 24, 25, 30];
  for (let round = 0; round < 2_000; round++) {
    const taken = Array.from({ length: random.below(12) }, () =>
      cidr(`10.5.${random.below(24)}.${random.below(256)}/${random.pick(lengths)}`),
    );
    const free = range(1, 15).filter(
      (third) => !taken.some((each) => overlapsThird(third, formatCidr(each))),
    );

    const attempt = () => choose({ taken });

    if (free.length === 0) expect(attempt).toThrow('no subnet is free');
    else expect(free.map((third) => `10.5.${third}.0/24`)).toContain(attempt()[0]);
  }
});

test('a network of IPv6 is drawn from everywhere, however large', () => {
  const config = configOf({ EnableIPv6: true, IPv6Network: 'fd00::/8', IPv6SubnetLen: 120 });

  const chosen = Array.from({ length: 50 }, () => choose({ config })[1]);

  expect(new Set(chosen).size).toBe(50);
  expect(new Set(chosen.map((each) => each?.slice(0, 4))).size).toBeGreaterThan(20);
});

test('ten thousand leases do not slow it down', () => {
  const config = configOf({ Network: '10.0.0.0/8' });
  const taken = Array.from({ length: 10_000 }, (_, index) => cidr(`10.${index >> 8}.${index & 255}.0/24`));
  const startedAt = performance.now();

  const [chosen] = choose({ config, taken });

  expect(performance.now() - startedAt).toBeLessThan(500);
  expect(taken.map(formatCidr)).not.toContain(chosen);
});

test('a full network is refused with its size', () => {
  expect(() => choose({ taken: allBut() })).toThrow(
    'all 15 of length /24 from 10.5.1.0 to 10.5.15.0 in 10.5.0.0/20',
  );
});

test('a full network of one family is a full network', () => {
  expect(() => choose({ config: dual, taken: [cidr('fd00:5::/48')] })).toThrow('in fd00:5::/48');
});

describe('a host could lease', () => {
  test.each<[string, Parameters<typeof fitsConfig>, boolean]>([
    ['one subnet of the one family', [{ 4: cidr('10.5.9.0/24') }, small], true],
    ['none of a family that is asked for', [{ 4: cidr('10.5.9.0/24') }, dual], false],
    [
      'one of a family that is not there',
      [{ 4: cidr('10.5.9.0/24'), 6: cidr('fd00:5:0:9::/64') }, small],
      false,
    ],
    ['one of each', [{ 4: cidr('10.5.9.0/24'), 6: cidr('fd00:5:0:9::/64') }, dual], true],
    ['one of another length', [{ 4: cidr('10.5.9.0/25') }, small], false],
    ['one of another network', [{ 4: cidr('10.6.9.0/24') }, small], false],
  ])('%s: %#', (_, [subnets, config], fits) => {
    expect(fitsConfig(subnets, config)).toBe(fits);
  });
});

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** By plain numbers, as another way to the same answer. */
function overlapsThird(third: number, taken: string): boolean {
  const [address = '', length] = taken.split('/');
  const [, , c = 0, d = 0] = address.split('.').map(Number);
  const size = 2 ** (32 - Number(length));
  const start = Math.floor((c * 256 + d) / size) * size;
  return start < (third + 1) * 256 && start + size > third * 256;
}
