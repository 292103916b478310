import { describe, expect, test } from 'vitest';
import { Fields } from '../../../lib/cni/fields.ts';
import { parseAgentBlocksConfig } from '../../../plugins/agent/blocks-config.ts';
import { address } from '../../support/overlay-planes.ts';

const parse = (blocks: object) => parseAgentBlocksConfig(new Fields(blocks, 'blocks'));

test('an empty block takes part, with what most hosts want', () => {
  expect(parse({})).toEqual({
    prefix: '/fairlead/ipam',
    network: 'routed',
    outer: { interface: undefined, publicAddresses: {} },
    mtu: undefined,
    spare: 16,
    releaseAfterMs: 60_000,
    leakIntervalMs: 60_000,
    hostTtlSeconds: 15,
    shareFile: '/run/fairlead/blocks.json',
    dataDir: '/var/lib/cni/networks',
  });
});

test('every field is understood', () => {
  const blocks = {
    prefix: '/other/ipam',
    network: 'pods',
    interface: 'eth1',
    publicIP: '192.0.2.1',
    publicIPv6: '2001:db8:5::1',
    mtu: 1400,
    spare: 4,
    releaseAfter: '5s',
    leakInterval: '1s',
    hostTTL: '2500ms',
    shareFile: '/run/other/blocks.json',
    dataDir: '/var/lib/other',
  };

  expect(parse(blocks)).toEqual({
    prefix: '/other/ipam',
    network: 'pods',
    outer: { interface: 'eth1', publicAddresses: { 4: address('192.0.2.1'), 6: address('2001:db8:5::1') } },
    mtu: 1400,
    spare: 4,
    releaseAfterMs: 5_000,
    leakIntervalMs: 1_000,
    hostTtlSeconds: 3,
    shareFile: '/run/other/blocks.json',
    dataDir: '/var/lib/other',
  });
});

describe('is refused with the name of the field', () => {
  test.each<[string, object]>([
    ['prefix', { prefix: 'fairlead/ipam' }],
    ['prefix', { prefix: '/fairlead/ipam/' }],
    ['network', { network: '../other' }],
    ['network', { network: 7 }],
    ['interface', { interface: 'a name that is too long' }],
    ['publicIP', { publicIP: 'fd00::1' }],
    ['mtu', { mtu: 100 }],
    ['mtu', { mtu: '1500' }],
    ['spare', { spare: 0 }],
    ['spare', { spare: 1.5 }],
    ['releaseAfter', { releaseAfter: '10ms' }],
    ['leakInterval', { leakInterval: 'often' }],
    ['hostTTL', { hostTTL: '1s' }],
    ['hostTTL', { hostTTL: '2h' }],
    ['shareFile', { shareFile: 'blocks.json' }],
    ['dataDir', { dataDir: '/var/../etc' }],
    ['iface', { iface: 'eth0' }],
  ])('%s: %j', (field, blocks) => {
    expect(() => parse(blocks)).toThrow(new RegExp(`blocks\\.${field}: `));
  });
});
