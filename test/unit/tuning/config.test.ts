import { describe, expect, test } from 'vitest';
import { Fields } from '../../../lib/cni/fields.ts';
import { parseIfName } from '../../../lib/net/ifname.ts';
import { parseTuning } from '../../../lib/tuning/config.ts';
import { parseSysctls, sysctlPathAt } from '../../../lib/tuning/sysctl.ts';
import { toCall } from '../../support/calls.ts';

function configOf(conf: object) {
  const { conf: parsed, attachment } = toCall(conf);
  return parseTuning(parsed)?.(attachment);
}

const pathsOf = (sysctl: unknown) =>
  parseSysctls(new Fields({ sysctl }, '')).map((each) =>
    sysctlPathAt(each, parseIfName('eth0.5') ?? expect.fail()),
  );

describe('names of kernel settings', () => {
  test.each([
    ['net.core.somaxconn', 'core/somaxconn'],
    ['net/core/somaxconn', 'core/somaxconn'],
    ['net.ipv4.conf.IFNAME.arp_filter', 'ipv4/conf/eth0.5/arp_filter'],
    ['net/ipv4/conf/eth0.5/arp_filter', 'ipv4/conf/eth0.5/arp_filter'],
    ['net.ipv4/conf.IFNAME/arp_filter', 'ipv4/conf/eth0.5/arp_filter'],
  ])('%s is %s', (name, path) => {
    expect(pathsOf({ [name]: '1' })).toEqual([path]);
  });

  test.each([
    'kernel.hostname',
    'net',
    'net.core',
    'net..core.somaxconn',
    'net/../kernel/hostname',
    'net/core/../../kernel/hostname',
    '/net/core/somaxconn',
    'net/core/so maxconn',
    'net/core/somaxconn\n',
    'network/core/somaxconn',
    '',
  ])('%j is refused', (name) => {
    expect(() => pathsOf({ [name]: '1' })).toThrow('expected a name below net');
  });

  test('two names of one setting are refused', () => {
    expect(() => pathsOf({ 'net.core.somaxconn': '1', 'net/core/somaxconn': '2' })).toThrow(
      'net.core.somaxconn and net/core/somaxconn are the same setting',
    );
  });
});

test.each([['a\nb'], [''], [true], [1.5], [null], [{}]])('%j is no value of a kernel setting', (value) => {
  expect(() => pathsOf({ 'net.core.somaxconn': value })).toThrow('expected a number, or a text of one line');
});

describe('the plugin chained', () => {
  test('args.cni stands over the configuration, name by name', () => {
    const config = configOf({
      type: 'tuning',
      sysctl: { 'net.core.somaxconn': '1', 'net.ipv4.ip_forward': '1' },
      mtu: 1300,
      promisc: true,
      args: { cni: { sysctl: { 'net/core/somaxconn': 5 }, mtu: 1200, mac: '02:00:00:00:00:07' } },
    });

    expect(config?.sysctls.map(({ path, value }) => [path, value])).toEqual([
      ['core/somaxconn', '5'],
      ['ipv4/ip_forward', '1'],
    ]);
    expect(config?.link).toMatchObject({ mtu: 1200, promiscuous: true, mac: '02:00:00:00:00:07' });
  });

  test('the runtime’s MAC stands over the configuration’s', () => {
    const runtimeConfig = { mac: '02:00:00:00:00:08' };

    const config = configOf({ type: 'tuning', mac: '02:00:00:00:00:07', runtimeConfig });

    expect(config?.link.mac).toBe('02:00:00:00:00:08');
  });

  test('promisc false and mtu 0 ask for nothing, allmulti false and txQLen 0 for something', () => {
    const config = configOf({ type: 'tuning', promisc: false, mtu: 0, allmulti: false, txQLen: 0 });

    expect(config?.link).toEqual({
      mac: undefined,
      mtu: undefined,
      promiscuous: undefined,
      allMulticast: false,
      txQueueLength: 0,
    });
  });

  test.each([
    [{ dataDir: 'relative' }, 'dataDir'],
    [{ mac: '01:00:00:00:00:01' }, 'mac: expected a unicast MAC'],
    [{ txQLen: -1 }, 'txQLen'],
    [{ sysctl: ['net.core.somaxconn'] }, 'sysctl: expected an object'],
  ])('%o is refused', (fields, message) => {
    expect(() => configOf({ type: 'tuning', ...fields })).toThrow(message);
  });
});

describe('of a main plugin', () => {
  test('MAC and MTU are its own, and args are for the plugin chained', () => {
    const args = { cni: { promisc: true } };

    expect(configOf({ type: 'bridge', mac: '02:00:00:00:00:07', mtu: 1300, args })).toBeUndefined();
  });

  test('nothing is kept to be put back', () => {
    expect(configOf({ type: 'bridge', promisc: true })).toMatchObject({
      link: { promiscuous: true },
      backupDir: undefined,
    });
  });
});
