import { describe, expect, test } from 'vitest';
import { candidates } from '../../../ipam/host-local/allocate.ts';
import { parseHostLocalConfig, parseRequestedAddresses } from '../../../ipam/host-local/config.ts';
import { parseRangeSet, type RangeSet, sizeOf } from '../../../ipam/host-local/range.ts';
import { parseResolvConf } from '../../../ipam/host-local/resolv-conf.ts';
import { parseSubnetFile } from '../../../ipam/host-local/subnet-file.ts';
import { formatAddress, parseAddress } from '../../../lib/net/address.ts';
import { addEnvironment, toCall } from '../../support/calls.ts';

const set = (...ranges: object[]) => parseRangeSet(ranges, 'ranges[0]');
const describeSet = (ranges: RangeSet) =>
  ranges.map(({ start, end, gateway }) => [start, end, gateway].map(formatAddress).join(' '));
const list = (ranges: RangeSet, last?: string) =>
  [...candidates(ranges, last === undefined ? undefined : parseAddress(last))].map(formatAddress);

describe('a range', () => {
  test.each([
    [{ subnet: '10.1.0.0/24' }, '10.1.0.1 10.1.0.254 10.1.0.1'],
    [{ subnet: '10.1.0.0/30' }, '10.1.0.1 10.1.0.2 10.1.0.1'],
    [{ subnet: 'fd00::/64' }, 'fd00::1 fd00::ffff:ffff:ffff:ffff fd00::1'],
    [
      { subnet: '10.1.0.0/24', rangeStart: '10.1.0.10', rangeEnd: '10.1.0.20', gateway: '10.1.0.254' },
      '10.1.0.10 10.1.0.20 10.1.0.254',
    ],
  ])('%j is %s', (range, expected) => {
    expect(describeSet(set(range))).toEqual([expected]);
  });

  test.each([
    [{}, /subnet: is required/],
    [{ subnet: '10.1.0.0' }, /subnet: expected a network/],
    [{ subnet: '10.1.0.5/24' }, /without host bits, here 10\.1\.0\.0\/24/],
    [{ subnet: '10.1.0.0/31' }, /at most \/30/],
    [{ subnet: '10.1.0.0/32' }, /at most \/30/],
    [{ subnet: 'fd00::/127' }, /at most \/126/],
    [{ subnet: '10.1.0.0/24', rangeStart: '10.2.0.1' }, /rangeStart: expected an address of 10\.1\.0\.0\/24/],
    [{ subnet: '10.1.0.0/24', rangeStart: 'x' }, /rangeStart: expected an IP address/],
    [
      { subnet: '10.1.0.0/24', rangeStart: '10.1.0.9', rangeEnd: '10.1.0.8' },
      /rangeEnd: expected an address not before/,
    ],
  ])('%j is refused', (range, message) => {
    expect(() => set(range)).toThrow(message);
  });

  test('of another family or overlapping a second one cannot be in the same set', () => {
    expect(() => set({ subnet: '10.1.0.0/24' }, { subnet: 'fd00::/64' })).toThrow(/family/);
    expect(() => set({ subnet: '10.1.0.0/16' }, { subnet: '10.1.2.0/24' })).toThrow(/overlaps/);
  });
});

describe('allocation', () => {
  const small = set({ subnet: '10.1.0.0/29' });

  test('begins at the start, leaves the gateway out, and offers every address once', () => {
    expect(list(small)).toEqual(['10.1.0.2', '10.1.0.3', '10.1.0.4', '10.1.0.5', '10.1.0.6']);
    expect(BigInt(list(small).length)).toBe(sizeOf(small));
  });

  test('goes on after the last one reserved, around to that one itself', () => {
    expect(list(small, '10.1.0.4')).toEqual(['10.1.0.5', '10.1.0.6', '10.1.0.2', '10.1.0.3', '10.1.0.4']);
    expect(list(small, '10.1.0.6')).toEqual(['10.1.0.2', '10.1.0.3', '10.1.0.4', '10.1.0.5', '10.1.0.6']);
  });

  test('goes through all ranges of a set in turn', () => {
    const two = set({ subnet: '10.1.0.0/30' }, { subnet: '10.2.0.0/30' }, { subnet: '10.3.0.0/30' });
    expect(list(two, '10.2.0.2')).toEqual(['10.3.0.2', '10.1.0.2', '10.2.0.2']);
  });

  test('begins at the start where the last one reserved is in no range (any more)', () => {
    expect(list(small, '10.9.0.1')).toEqual(list(small));
  });

  test('does not list an IPv6 subnet', () => {
    const first = candidates(set({ subnet: 'fd00::/64' }), undefined)
      .take(2)
      .toArray();
    expect(first.map(formatAddress)).toEqual(['fd00::2', 'fd00::3']);
  });
});

describe('the configuration', () => {
  const parse = (ipam: object, more: object = {}) => parseHostLocalConfig(toCall({ ipam, ...more }).conf);
  const subnets = (ipam: object, more: object = {}) =>
    parse(ipam, more).rangeSets.map((ranges) => describeSet(ranges)[0]?.split(' ')[0]);

  test('takes the runtime’s ranges first, then the flat form, then ranges', () => {
    const ipam = { subnet: '10.1.0.0/24', ranges: [[{ subnet: '10.2.0.0/24' }]] };
    const runtimeConfig = { ipRanges: [[{ subnet: '10.3.0.0/24' }]] };
    expect(subnets(ipam, { runtimeConfig })).toEqual(['10.3.0.1', '10.1.0.1', '10.2.0.1']);
  });

  test.each([
    [{}, {}, /ipam: needs a range/],
    [{ ranges: [[]] }, {}, /ipam\.ranges\[0\]: expected a list of at least one range/],
    [{ ranges: {} }, {}, /ipam\.ranges: expected a list/],
    [{ ranges: [[{ subnet: '10.1.0.0/24' }], [{ subnet: '10.1.0.0/25' }]] }, {}, /overlaps/],
    [{ subnet: '10.1.0.0/24', dataDir: 'relative' }, {}, /ipam\.dataDir: expected an absolute path/],
    [{ subnet: '10.1.0.0/24', cooldown: -1 }, {}, /ipam\.cooldown/],
    [{ subnet: '10.1.0.0/24', routes: [{ dst: 'x' }] }, {}, /ipam\.routes\[0\]\.dst/],
    [
      { ranges: [[{ subnet: '10.1.0.0/24' }], [{ subnet: '10.2.0.0/24' }]] },
      { cniVersion: '0.2.0' },
      /one address of each family/,
    ],
  ])('%j %j is refused', (ipam, more, message) => {
    expect(() => parse(ipam, more)).toThrow(message);
  });

  test('whose subnet file is not there yet asks to try again', () => {
    expect(() => parse({ subnetFile: '/nonexistent/subnet.env' })).toThrow(
      expect.objectContaining({ code: 11 }),
    );
  });
});

describe('requested addresses', () => {
  const sets = [set({ subnet: '10.1.0.0/24' }), set({ subnet: 'fd00::/64' })];
  const request = (conf: object, args = '') => {
    const call = toCall(conf, addEnvironment({ CNI_ARGS: args }));
    return parseRequestedAddresses(call.conf, call.attachment, sets).map(formatAddress);
  };

  test('come from CNI_ARGS, args.cni and the runtime, with or without a prefix length', () => {
    expect(request({}, 'IP=10.1.0.5')).toEqual(['10.1.0.5']);
    expect(request({ args: { cni: { ips: ['10.1.0.6/24'] } } })).toEqual(['10.1.0.6']);
    expect(request({ runtimeConfig: { ips: ['10.1.0.7', 'fd00::7/64'] } })).toEqual(['10.1.0.7', 'fd00::7']);
  });

  test('that are named twice are one', () => {
    const conf = { args: { cni: { ips: ['10.1.0.7/24'] } }, runtimeConfig: { ips: ['10.1.0.7'] } };
    expect(request(conf)).toEqual(['10.1.0.7']);
  });

  test.each([
    [['10.9.0.1'], /none of the ranges/],
    [['10.1.0.5', '10.1.0.6'], /same range set/],
    [['x'], /ips: expected IP addresses/],
  ])('%j are refused', (ips, message) => {
    expect(() => request({ runtimeConfig: { ips } })).toThrow(message);
  });
});

describe('a subnet file', () => {
  const subnets = (text: string) => parseSubnetFile(text, '/run/x').map((ranges) => describeSet(ranges)[0]);

  test('may be flanneld’s', () => {
    const text =
      'FLANNEL_NETWORK=10.1.0.0/16\nFLANNEL_SUBNET=10.1.2.1/24\nFLANNEL_IPV6_SUBNET=fd00:2::1/64\nFLANNEL_MTU=1450\n';
    expect(subnets(text)).toEqual([
      '10.1.2.1 10.1.2.254 10.1.2.1',
      'fd00:2::1 fd00:2::ffff:ffff:ffff:ffff fd00:2::1',
    ]);
  });

  test('may be JSON ranges', () => {
    expect(subnets('[[{"subnet":"10.4.0.0/24","gateway":"10.4.0.9"}]]')).toEqual([
      '10.4.0.1 10.4.0.254 10.4.0.9',
    ]);
  });

  test.each(['', 'FLANNEL_SUBNET=x', '[', '[{}]', 'FLANNEL_MTU=1450'])(
    '%j is refused with the file’s name',
    (text) => {
      expect(() => subnets(text)).toThrow(/ipam\.subnetFile \/run\/x/);
    },
  );
});

test('a resolv.conf becomes the result’s dns', () => {
  const text =
    '# comment\nnameserver 10.0.0.1\nnameserver fd00::1\ndomain a.example\nsearch b.example c.example\noptions ndots:5\n';
  expect(parseResolvConf(text)).toEqual({
    nameservers: ['10.0.0.1', 'fd00::1'],
    domain: 'a.example',
    search: ['b.example', 'c.example'],
    options: ['ndots:5'],
  });
});
