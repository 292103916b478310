import { describe, expect, test } from 'vitest';
import { CniError } from '../../../lib/errors/cni-error.ts';
import { formatAddress } from '../../../lib/net/address.ts';
import { formatCidr } from '../../../lib/net/cidr.ts';
import { parseNetworkConfig, type SubnetRange } from '../../../lib/overlay/lease/network-config.ts';

const key = '/coreos.com/network/config';
const vxlan = { Backend: { Type: 'vxlan' } };

const parse = (config: object) => parseNetworkConfig(JSON.stringify({ ...vxlan, ...config }), key);

const shown = (range: SubnetRange | undefined) =>
  range && [
    formatCidr(range.network),
    range.subnetLength,
    formatAddress(range.min),
    formatAddress(range.max),
  ];

const problemOf = (text: string): CniError => {
  try {
    parseNetworkConfig(text, key);
  } catch (error) {
    if (error instanceof CniError) return error;
  }
  throw new Error('was taken');
};

test('a network alone has subnets of /24 without the first, and the defaults of the backend', () => {
  const { ranges, backend } = parse({ Network: '10.5.0.0/16' });

  expect(shown(ranges[4])).toEqual(['10.5.0.0/16', 24, '10.5.1.0', '10.5.255.0']);
  expect(ranges[6]).toBeUndefined();
  expect(backend).toEqual({ vni: 1, port: 8472, outerMtu: undefined, directRouting: false });
});

test.each<[string, number]>([
  ['10.0.0.0/8', 24],
  ['10.5.0.0/22', 24],
  ['10.5.0.0/23', 25],
  ['10.5.0.0/24', 26],
  ['10.5.0.0/28', 30],
])('hosts of %s have subnets of /%i, as with Flannel', (network, length) => {
  expect(parse({ Network: network }).ranges[4]?.subnetLength).toBe(length);
});

test.each<[string, number]>([
  ['fd00::/48', 64],
  ['fd00::/62', 64],
  ['fd00::/63', 65],
  ['fd00::/124', 126],
])('hosts of %s have subnets of /%i, as with Flannel', (network, length) => {
  expect(parse({ EnableIPv4: false, EnableIPv6: true, IPv6Network: network }).ranges[6]?.subnetLength).toBe(
    length,
  );
});

test('everything can be stated, in whatever case', () => {
  const { ranges, backend } = parseNetworkConfig(
    JSON.stringify({
      network: '10.5.7.0/16',
      SUBNETLEN: 26,
      SubnetMin: '10.5.16.0',
      subnetmax: '10.5.31.192',
      EnableIPv6: true,
      IPv6Network: 'fd00:5::/48',
      IPv6SubnetMin: 'fd00:5:0:10::',
      IPv6SubnetMax: 'fd00:5:0:1f::',
      backend: { type: 'vxlan', vni: 7, port: 4789, mtu: 9000, directrouting: true },
    }),
    key,
  );

  expect(shown(ranges[4])).toEqual(['10.5.0.0/16', 26, '10.5.16.0', '10.5.31.192']);
  expect(shown(ranges[6])).toEqual(['fd00:5::/48', 64, 'fd00:5:0:10::', 'fd00:5:0:1f::']);
  expect(backend).toEqual({ vni: 7, port: 4789, outerMtu: 9000, directRouting: true });
});

test('zero means unset, as Flannel writes it out', () => {
  const { ranges, backend } = parse({
    Network: '10.5.0.0/16',
    SubnetLen: 0,
    SubnetMin: '0.0.0.0',
    SubnetMax: '0.0.0.0',
    IPv6SubnetMin: null,
    Backend: { Type: 'vxlan', Port: 0, MTU: 0 },
  });

  expect(shown(ranges[4])).toEqual(['10.5.0.0/16', 24, '10.5.1.0', '10.5.255.0']);
  expect(backend).toMatchObject({ port: 8472, outerMtu: undefined });
});

test('what is said of a family that is off is not looked at', () => {
  expect(parse({ Network: '10.5.0.0/16', IPv6Network: 'nonsense' }).ranges[6]).toBeUndefined();
});

describe('refused, naming the key and the field', () => {
  test.each<[string, object, string]>([
    ['no network', {}, 'Network: is required'],
    ['a network that is an address', { Network: '10.5.0.0' }, 'Network: expected an IPv4 network'],
    ['a network of the other family', { Network: 'fd00::/48' }, 'Network: expected an IPv4 network'],
    ['all there is', { Network: '0.0.0.0/0' }, 'Network: expected an IPv4 network'],
    ['too small a network', { Network: '10.5.0.0/29' }, 'Network: expected a network of /28 or wider'],
    ['fewer than four subnets', { Network: '10.5.0.0/16', SubnetLen: 17 }, 'SubnetLen: expected at least 18'],
    ['subnets without room', { Network: '10.5.0.0/16', SubnetLen: 31 }, 'SubnetLen: expected a whole number'],
    [
      'a length in a string',
      { Network: '10.5.0.0/16', SubnetLen: '24' },
      'SubnetLen: expected a whole number',
    ],
    ['a first subnet elsewhere', { Network: '10.5.0.0/16', SubnetMin: '10.6.0.0' }, 'SubnetMin: expected'],
    ['a last subnet between two', { Network: '10.5.0.0/16', SubnetMax: '10.5.9.128' }, 'SubnetMax: expected'],
    [
      'a range backwards',
      { Network: '10.5.0.0/16', SubnetMin: '10.5.9.0', SubnetMax: '10.5.8.0' },
      'SubnetMax: expected a subnet that is not before SubnetMin',
    ],
    ['no IPv6 network', { Network: '10.5.0.0/16', EnableIPv6: true }, 'IPv6Network: is required'],
    ['no family', { EnableIPv4: false }, 'EnableIPv4 and EnableIPv6 are both false'],
    ['no backend', { Network: '10.5.0.0/16', Backend: null }, 'Backend: is required'],
    [
      'another backend',
      { Network: '10.5.0.0/16', Backend: { Type: 'host-gw' } },
      'Backend.Type: expected "vxlan"',
    ],
    [
      'a VNI of 25 bits',
      { Network: '10.5.0.0/16', Backend: { Type: 'vxlan', VNI: 2 ** 24 } },
      'Backend.VNI: expected a whole number',
    ],
    [
      'group policies',
      { Network: '10.5.0.0/16', Backend: { Type: 'vxlan', GBP: true } },
      'Backend.GBP: expected false',
    ],
  ])('%s', (_, config, message) => {
    const problem = problemOf(JSON.stringify({ ...vxlan, ...config }));

    expect(problem.code).toBe(7);
    expect(problem.message).toContain(`${key}: ${message}`);
  });

  test.each(['', 'nonsense', 'null', '[]', '"10.5.0.0/16"', '['.repeat(500_000)])('%.20s', (text) => {
    const problem = problemOf(text);

    expect(problem.code).toBe(7);
    expect(problem.message).toMatch(new RegExp(`^${key}: .{5,200}$`));
  });
});
