import { describe, expect, test } from 'vitest';
import { parseAgentConfig } from '../../../plugins/agent/config.ts';
import { address } from '../../support/overlay-planes.ts';

const etcd = { endpoints: ['http://192.0.2.201:2379'] };
const parse = (overlay: object) => parseAgentConfig({ etcd, overlay }).overlay;

test('an empty block is an overlay with Flannel’s paths', () => {
  expect(parse({})).toEqual({
    prefix: '/coreos.com/network',
    outer: { interface: undefined, publicAddresses: {} },
    mode: 'l3',
    bridge: 'cni0',
    leaseTtlSeconds: 86_400,
    subnetFile: '/run/flannel/subnet.env',
    stateFile: '/var/lib/fairlead/overlay.json',
    ipMasq: false,
    resyncMs: 10_000,
  });
});

test('every field is understood', () => {
  const overlay = {
    prefix: '/other/network',
    interface: 'eth1',
    publicIP: '192.0.2.1',
    publicIPv6: '2001:db8:5::1',
    mode: 'l2',
    bridge: 'br7',
    leaseTTL: '90s',
    subnetFile: '/run/other/subnet.env',
    stateFile: '/var/lib/other.json',
    ipMasq: true,
    resyncInterval: '1m',
  };

  expect(parse(overlay)).toEqual({
    prefix: '/other/network',
    outer: { interface: 'eth1', publicAddresses: { 4: address('192.0.2.1'), 6: address('2001:db8:5::1') } },
    mode: 'l2',
    bridge: 'br7',
    leaseTtlSeconds: 90,
    subnetFile: '/run/other/subnet.env',
    stateFile: '/var/lib/other.json',
    ipMasq: true,
    resyncMs: 60_000,
  });
});

describe('is refused with the name of the field', () => {
  test.each<[string, object]>([
    ['prefix', { prefix: 'coreos.com/network' }],
    ['interface', { interface: 'a name that is too long' }],
    ['publicIP', { publicIP: '2001:db8::1' }],
    ['publicIPv6', { publicIPv6: '192.0.2.1' }],
    ['mode', { mode: 'l4' }],
    ['bridge', { bridge: 'with/slash' }],
    ['leaseTTL', { leaseTTL: '2s' }],
    ['leaseTTL', { leaseTTL: '100000h' }],
    ['leaseTTL', { leaseTTL: 60 }],
    ['subnetFile', { subnetFile: 'subnet.env' }],
    ['stateFile', { stateFile: 'overlay.json' }],
    ['ipMasq', { ipMasq: 'yes' }],
    ['resyncInterval', { resyncInterval: 'often' }],
    ['resyncInterval', { resyncInterval: '10ms' }],
    ['iface', { iface: 'eth0' }],
  ])('%s: %j', (field, overlay) => {
    expect(() => parse(overlay)).toThrow(new RegExp(`overlay\\.${field}: `));
  });

  test('an overlay without etcd', () => {
    expect(() => parseAgentConfig({ overlay: {} })).toThrow('etcd: is required and missing');
  });

  test('an overlay that is no object', () => {
    expect(() => parseAgentConfig({ etcd, overlay: true })).toThrow(/overlay: .*an object/);
  });
});
