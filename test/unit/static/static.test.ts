import { describe, expect, test } from 'vitest';
import { createStatic } from '../../../ipam/static/plugin.ts';
import { renderResult } from '../../../lib/cni/result.ts';
import { addEnvironment, toCall } from '../../support/calls.ts';

const both = [{ address: '10.1.0.2/24', gateway: '10.1.0.1' }, { address: 'fd00::2/64' }];

/** A call with an `ipam` of so and so many fields, and others beside it. */
function call(ipam: object, more: object = {}, args = '') {
  const env = addEnvironment({ CNI_ARGS: args === '' ? '' : `IgnoreUnknown=1;${args}` });
  return toCall({ ipam: { type: 'static', ...ipam }, ...more }, env);
}

const plugin = createStatic();
const add = (...given: Parameters<typeof call>) => renderResult(plugin.add(call(...given)), '1.1.0');
const addressesOf = (...given: Parameters<typeof call>) => {
  const { ips } = add(...given) as { ips: readonly { address: string; gateway?: string }[] };
  return ips.map(({ address, gateway }) => (gateway === undefined ? address : `${address} by ${gateway}`));
};

describe('ADD', () => {
  test('answers what is configured: addresses, routes with all they can say, DNS', () => {
    const routes = [
      { dst: '0.0.0.0/0' },
      { dst: '10.9.0.0/16', gw: '10.1.0.9', mtu: 1400, advmss: 1360, priority: 5, table: 100, scope: 253 },
    ];
    const dns = { nameservers: ['10.1.0.53'], domain: 'example.org', search: ['org'], options: ['ndots:2'] };

    expect(add({ addresses: both, routes, dns })).toEqual({ cniVersion: '1.1.0', ips: both, routes, dns });
  });

  test('adds the addresses of CNI_ARGS to those configured', () => {
    const args = 'IP=10.2.0.2/24, fd01::2/64';

    expect(addressesOf({ addresses: both.slice(0, 1) }, {}, args)).toEqual([
      '10.1.0.2/24 by 10.1.0.1',
      '10.2.0.2/24',
      'fd01::2/64',
    ]);
  });

  test('gives the gateways of CNI_ARGS to the addresses beside them, by their networks', () => {
    const args = 'IP=10.2.0.2/24,fd01::2/64,10.3.0.2/24;GATEWAY=10.1.0.9,10.2.0.1,fd01::1,10.2.0.9';

    expect(addressesOf({ addresses: both }, {}, args)).toEqual([
      '10.1.0.2/24 by 10.1.0.1',
      'fd00::2/64',
      '10.2.0.2/24 by 10.2.0.9',
      'fd01::2/64 by fd01::1',
      '10.3.0.2/24',
    ]);
  });

  const args = { cni: { ips: ['10.3.0.3/24'] } };
  const runtimeConfig = { ips: ['10.4.0.4/24', 'fd04::4/64'] };

  test('prefers args.cni.ips to all of these', () => {
    expect(addressesOf({ addresses: both }, { args }, 'IP=10.2.0.2/24;GATEWAY=10.3.0.1')).toEqual([
      '10.3.0.3/24',
    ]);
  });

  test('prefers runtimeConfig.ips to everything', () => {
    expect(addressesOf({ addresses: both }, { args, runtimeConfig })).toEqual(['10.4.0.4/24', 'fd04::4/64']);
  });

  test('takes an empty list for none', () => {
    const empty = { args: { cni: { ips: [] } }, runtimeConfig: { ips: [] } };

    expect(addressesOf({ addresses: [{ address: '10.1.0.2/24', gateway: '' }] }, empty)).toEqual([
      '10.1.0.2/24',
    ]);
  });

  test('takes two addresses of a family only where the result has room for them', () => {
    const addresses = [{ address: '10.1.0.2/24' }, { address: '10.1.0.3/24' }];

    expect(addressesOf({ addresses }, { cniVersion: '0.3.0' })).toHaveLength(2);
    expect(() => add({ addresses }, { cniVersion: '0.2.0' })).toThrow('holds one address of each family');
  });
});

describe('a configuration is refused', () => {
  test.each([
    ['without an address', {}, 'ipam.addresses: there is no address'],
    [
      'with an address without prefix',
      { addresses: [{ address: '10.1.0.2' }] },
      'ipam.addresses[0].address: expected',
    ],
    ['with an entry without address', { addresses: [{}] }, 'ipam.addresses[0].address: is required'],
    ['with a bare text', { addresses: ['10.1.0.2/24'] }, 'ipam.addresses[0]: expected an object'],
    [
      'with a prefix too long',
      { addresses: [{ address: '10.1.0.2/33' }] },
      'ipam.addresses[0].address: expected',
    ],
    [
      'with a gateway that is none',
      { addresses: [{ address: '10.1.0.2/24', gateway: '10.1.0.1/24' }] },
      'ipam.addresses[0].gateway: expected an IP address',
    ],
    [
      'with a gateway of the other family',
      { addresses: [{ address: '10.1.0.2/24', gateway: 'fd00::1' }] },
      'ipam.addresses[0].gateway: expected an IPv4 address',
    ],
    [
      'with an address twice',
      { addresses: [both[1], { address: 'fd00:0::2/48' }] },
      'fd00::2 is given twice',
    ],
    ['with a route that is none', { addresses: both, routes: [{ dst: '10.0.0.0' }] }, 'ipam.routes[0].dst'],
  ])('%s', (_, ipam, message) => {
    expect(() => add(ipam)).toThrow(message);
  });

  test.each([
    ['args', { args: { cni: { ips: ['10.3.0.3'] } } }, 'args.cni.ips[0]: expected an address'],
    ['runtimeConfig', { runtimeConfig: { ips: [7] } }, 'runtimeConfig.ips[0]: expected an address'],
  ])('with what is no address in %s', (_, more, message) => {
    expect(() => add({ addresses: both }, more)).toThrow(message);
  });

  test.each([
    ['IP=10.2.0.2', 'CNI_ARGS IP: expected an address with the length of its prefix'],
    ['GATEWAY=10.2.0.0/24', 'CNI_ARGS GATEWAY: expected IP addresses'],
  ])('with %s in CNI_ARGS', (args, message) => {
    expect(() => add({ addresses: both }, {}, args)).toThrow(message);
  });

  test('without ipam', () => {
    expect(() => plugin.add(toCall({}))).toThrow('ipam: is required');
  });
});

describe('CHECK', () => {
  const prevResult = (...ips: readonly object[]) => ({ prevResult: { cniVersion: '1.1.0', ips } });
  const check = (ipam: object, more: object) => plugin.check(call(ipam, more));

  test('passes where the attachment was given what is configured, and more', () => {
    const given = [
      ...both.map((ip) => ({ ...ip, gateway: ip.gateway ?? 'fd00::1' })),
      { address: '10.9.0.9/24' },
    ];

    expect(() => check({ addresses: both }, prevResult(...given))).not.toThrow();
  });

  test('fails where an address or its gateway is another', () => {
    const [first, second] = both;

    expect(() => check({ addresses: both }, prevResult({ ...first }))).toThrow('was not given fd00::2/64');
    expect(() => check({ addresses: both }, prevResult({ address: '10.1.0.2/24' }, { ...second }))).toThrow(
      'was not given 10.1.0.2/24 with the gateway 10.1.0.1',
    );
  });

  test('needs the previous result', () => {
    expect(() => check({ addresses: both }, {})).toThrow('prevResult: is required');
  });
});

test('DEL, GC and STATUS have nothing to do, however the configuration is', () => {
  for (const verb of ['del', 'gc', 'status'] as const) expect(() => plugin[verb](call({}))).not.toThrow();
});
