import { describe, expect, test } from 'vitest';
import { renderCondition } from '../../../lib/portmap/conditions.ts';
import { parsePortmap } from '../../../lib/portmap/config.ts';
import { describeHostPort } from '../../../lib/portmap/host-port.ts';
import { toCall } from '../../support/calls.ts';

const web = { hostPort: 8080, containerPort: 80 };

const parse = (conf: object) => parsePortmap(toCall({ type: 'portmap', ...conf }).conf);

const asked = (portMappings: unknown, fields: object = {}) =>
  parse({ runtimeConfig: { portMappings }, ...fields });

const portsOf = (conf: ReturnType<typeof parse>) =>
  conf?.hostPorts.map((port) => `IPv${port.family} ${describeHostPort(port)} to ${port.containerPort}`);

describe('host ports', () => {
  test('are asked for by runtimeConfig, of both families and by TCP unless it says otherwise', () => {
    expect(portsOf(asked([web]))).toEqual(['IPv4 host port 8080/tcp to 80', 'IPv6 host port 8080/tcp to 80']);
  });

  test('are asked for with keys and protocols in any case', () => {
    const mapping = { HostPort: 53, ContainerPort: 5353, Protocol: 'UDP', HostIP: '192.0.2.1' };

    expect(portsOf(asked([mapping]))).toEqual(['IPv4 host port 53/udp of 192.0.2.1 to 5353']);
  });

  test('are asked for by Mesos in its network_info', () => {
    const port_mappings = [{ host_port: 31_000, container_port: 80, protocol: 'tcp' }];
    const args = { 'org.apache.mesos': { network_info: { port_mappings } } };

    expect(portsOf(parse({ args }))).toContain('IPv4 host port 31000/tcp to 80');
    expect(portsOf(asked([web], { args }))).toContain('IPv4 host port 8080/tcp to 80');
    expect(portsOf(asked([web], { args }))).toHaveLength(2);
  });

  test.each([
    ['', ['IPv4 host port 8080/tcp to 80', 'IPv6 host port 8080/tcp to 80']],
    ['0.0.0.0', ['IPv4 host port 8080/tcp to 80']],
    ['::', ['IPv6 host port 8080/tcp to 80']],
    ['2001:DB8::1', ['IPv6 host port 8080/tcp of 2001:db8::1 to 80']],
    ['::ffff:192.0.2.1', ['IPv4 host port 8080/tcp of 192.0.2.1 to 80']],
  ])('with the host address %j are those of its family', (hostIP, expected) => {
    expect(portsOf(asked([{ ...web, hostIP }]))).toEqual(expected);
  });

  test('that are asked for twice are there once', () => {
    expect(asked([web, { ...web, hostIP: '0.0.0.0' }])?.hostPorts).toHaveLength(2);
  });

  test.each([
    {},
    { runtimeConfig: {} },
    { runtimeConfig: { portMappings: [] } },
    { backend: 'none of ours' },
  ])('are not asked for by %j, and nothing else is looked at', (conf) => {
    expect(parse(conf)).toBeUndefined();
  });
});

describe('what is refused, and why', () => {
  const first = 'runtimeConfig.portMappings[0]';

  test.each([
    [{ ...web, hostPort: 0 }, `${first}.hostPort: expected a whole number from 1 to 65535, found 0`],
    [{ ...web, hostPort: 65_536 }, `${first}.hostPort: expected a whole number from 1 to 65535`],
    [{ hostPort: 80 }, `${first}.containerPort: is required and missing`],
    [{ containerPort: 80 }, `${first}.hostPort: is required and missing`],
    [{ ...web, hostPort: '8080' }, `${first}.hostPort: expected a whole number`],
    [{ ...web, protocol: 'icmp' }, `${first}.protocol: expected tcp, udp, sctp, found "icmp"`],
    [
      { ...web, hostIP: '192.0.2.1 } ; flush ruleset' },
      `${first}.hostIP: expected an IP address of the host`,
    ],
    ['8080:80', `${first}: expected an object`],
  ])('a mapping %j', (mapping, expected) => {
    expect(() => asked([mapping])).toThrow(expected);
  });

  test('a host port that leads to two ports of the container', () => {
    expect(() => asked([web, { ...web, containerPort: 81 }])).toThrow(
      'runtimeConfig.portMappings[1]: host port 8080/tcp leads to the container',
    );
  });

  test('more mappings than anybody means', () => {
    const many = Array.from({ length: 4097 }, (_, at) => ({ ...web, hostPort: at + 1 }));

    expect(() => asked(many)).toThrow(
      'runtimeConfig.portMappings: expected at most 4096 mappings, found 4097',
    );
  });

  test.each([
    [{ backend: 'ipvs' }, 'backend: expected nftables or iptables'],
    [{ markMasqBit: 32 }, 'markMasqBit: expected a whole number from 0 to 31'],
    [{ markMasqBit: 5, externalSetMarkChain: 'KUBE-MARK-MASQ' }, 'markMasqBit: cannot be set beside'],
    [{ snat: 'yes' }, 'snat: expected true or false'],
  ])('the fields %j', (fields, expected) => {
    expect(() => asked([web], fields)).toThrow(expected);
  });
});

test.each([
  [{}, 'needed'],
  [{ snat: true }, 'needed'],
  [{ masqAll: true }, 'all'],
  [{ snat: false }, 'none'],
  [{ snat: false, masqAll: true }, 'none'],
])('with %j the source changes for %s', (fields, expected) => {
  expect(asked([web], fields)?.sourceChange).toBe(expected);
});

describe('conditions', () => {
  test.each([
    [['!', '-d', '192.0.2.0/24'], ['ip daddr != 192.0.2.0/24']],
    [
      ['-s', '10.1.2.3/8', '--destination', '192.0.2.1'],
      ['ip saddr 10.0.0.0/8', 'ip daddr 192.0.2.1/32'],
    ],
    [['!', '-i', 'eth0'], ['iifname != "eth0"']],
    [['ip saddr != 10.0.0.0/8 iifname "eth1"'], ['ip saddr != 10.0.0.0/8', 'iifname "eth1"']],
    [[''], []],
  ])('%j are understood', (conditionsV4, expected) => {
    expect(asked([web], { conditionsV4 })?.conditions[4].map(renderCondition)).toEqual(expected);
  });

  test('of IPv6 are those of its addresses', () => {
    const conditionsV6 = ['-s', '2001:DB8::/32', 'ip6', 'daddr', '!=', '::1'];

    expect(asked([web], { conditionsV6 })?.conditions[6].map(renderCondition)).toEqual([
      'ip6 saddr 2001:db8::/32',
      'ip6 daddr != ::1/128',
    ]);
  });

  test.each([
    [['-m', 'mark', '--mark', '1']],
    [['-p', 'tcp']],
    [['-d', '2001:db8::/32']],
    [['ip6', 'saddr', '2001:db8::/32']],
    [['ip6', 'saddr', '10.0.0.0/8']],
    [['!', 'ip', 'saddr', '10.0.0.0/8']],
    [['-s']],
    [['-i', 'eth+"; flush ruleset']],
    [['-i', 'eth*']],
    [['-s', '10.0.0.0/8', 'accept']],
    [Array.from({ length: 11 }, () => '-s 10.0.0.0/8')],
  ])('%j are refused, saying what is understood', (conditionsV4) => {
    expect(() => asked([web], { conditionsV4 })).toThrow(/conditionsV4: expected at most 10 of: -s, -d/);
  });
});
