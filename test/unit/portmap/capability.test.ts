import { describe, expect, test } from 'vitest';
import type { Wanted } from '../../../lib/capability/capability.ts';
import { type Endpoint, endpointOf } from '../../../lib/capability/endpoint.ts';
import { parseResult } from '../../../lib/cni/result-parse.ts';
import { portmap } from '../../../lib/portmap/portmap.ts';
import { parseRecord, renderRecord } from '../../../lib/rules/record.ts';
import { toCall } from '../../support/calls.ts';
import { scriptMachine } from '../../support/scripted-machine.ts';

const machine = scriptMachine();
const web = { hostPort: 8080, containerPort: 80 };
const dns = { hostPort: 53, containerPort: 53, protocol: 'udp' };

const call = (portMappings: readonly object[], fields: object = {}) =>
  toCall({ type: 'portmap', runtimeConfig: { portMappings }, ...fields });

function wantedOf(portMappings: readonly object[], fields: object = {}): Wanted {
  const wanted = portmap.open(call(portMappings, fields).conf);
  if (wanted === undefined) throw new Error('nothing is wanted');
  return wanted;
}

const inside = { name: 'eth0', mac: '02:00:00:00:00:02', sandbox: '/run/netns/c1' };
const both = [{ address: '10.22.0.2/24' }, { address: 'fd00:22::2/64' }, { address: '10.22.0.9/24' }];

/** The endpoint after a plugin with these interfaces on the host. */
function endpointAfter(hostEnds: readonly string[], ips: readonly object[] = both): Endpoint {
  const interfaces = [...hostEnds.map((name) => ({ name })), inside];
  const own = ips.map((ip) => ({ ...ip, interface: hostEnds.length }));
  const result = parseResult({ cniVersion: '1.0.0', interfaces, ips: own }, 'prevResult', '1.0.0');
  return endpointOf('net', call([]).attachment, result);
}

const bridged = endpointAfter(['br0', 'veth1']);

const keysOf = (wanted: Wanted, endpoint: Endpoint) =>
  wanted
    .rules(endpoint, machine)
    .own.map((rule) => (rule.kind === 'write-chain' ? rule.chain : `${rule.set} ${rule.key.join(' ')}`));

const setting = '/proc/sys/net/ipv4/conf/br0/route_localnet';

describe('the elements', () => {
  test('lead to the first address of each family', () => {
    const values = wantedOf([web])
      .rules(bridged, machine)
      .own.flatMap((rule) => (rule.kind === 'create-element' ? [rule.value] : []));

    expect(values).toEqual([
      ['10.22.0.2', '80'],
      ['fd00:22::2', '80'],
    ]);
  });

  test('are not there for a host address of a family that the container lacks', () => {
    const wanted = wantedOf([{ ...web, hostIP: '2001:db8::1' }, dns]);
    const endpoint = endpointAfter(['br0', 'veth1'], both.slice(0, 1));

    expect(keysOf(wanted, endpoint)).toEqual(['portmap4 udp 53', 'portmap4_self 10.22.0.2 10.22.0.2']);
    expect(wantedOf([{ ...web, hostIP: '2001:db8::1' }]).rules(endpoint, machine)).toEqual({
      shared: [],
      own: [],
    });
  });

  test('all carry their owner, and survive being recorded', () => {
    const wanted = wantedOf([web, dns, { ...web, hostIP: '192.0.2.1' }], {
      conditionsV4: ['!', '-d', '192.0.2.0/24', '-i', 'eth0'],
      conditionsV6: Array.from({ length: 10 }, () =>
        `! -s 2001:db8:1111:2222:3333:4444:5555:6666`.split(' '),
      ).flat(),
    });
    const rules = wanted.rules(bridged, machine);
    const owner = { network: 'net', plugin: 'portmap', containerId: 'c1', ifName: bridged.attachment.ifName };
    const record = { owner, proof: { bootId: 'b' }, rules, flows: wanted.flows(bridged), epoch: '', atMs: 0 };

    expect(new Set(rules.own.map(({ comment }) => comment))).toEqual(new Set(['net/c1/eth0']));
    const read = parseRecord(renderRecord(record), 'record');
    expect(read.rules).toEqual(rules);
    expect(read.flows).toEqual(record.flows);
  });

  test('of a link of the container’s own go with it, those of a bridge stay', () => {
    const own = wantedOf([web]).rules(endpointAfter(['veth1']), machine).own;
    const shared = wantedOf([web]).rules(bridged, machine).shared;

    expect(own).toContainEqual(expect.objectContaining({ set: 'portmap_near', key: ['"veth1"', '"veth1"'] }));
    expect(shared).toContainEqual(expect.objectContaining({ set: 'portmap_near', key: ['"br0"', '"br0"'] }));
    expect(shared).toContainEqual(expect.objectContaining({ set: 'portmap_localnet', key: ['"br0"'] }));
  });

  test('need no interface of the host', () => {
    expect(keysOf(wantedOf([{ ...web, hostIP: '0.0.0.0' }]), endpointAfter([]))).toEqual([
      'portmap4 tcp 8080',
      'portmap4_self 10.22.0.2 10.22.0.2',
    ]);
  });

  test.each([
    [{ masqAll: true }, ['portmap4_all 10.22.0.2', 'portmap6_all fd00:22::2']],
    [{ snat: false }, ['portmap4_plain 10.22.0.2', 'portmap6_plain fd00:22::2']],
  ])('say with %j whose source changes', (fields, expected) => {
    expect(keysOf(wantedOf([web], fields), bridged).slice(2)).toEqual(expected);
  });
});

test('a container without an address cannot have host ports', () => {
  const endpoint = endpointAfter(['br0', 'veth1'], []);

  expect(() => wantedOf([web]).rules(endpoint, machine)).toThrow(
    'portMappings: eth0 of container c1 has no address that a host port could lead to; set ipam, or ask for no port mappings',
  );
});

test('conntrack forgets flows by UDP and SCTP, at the host address if there is one', () => {
  const wanted = wantedOf([web, dns, { ...web, protocol: 'sctp', hostIP: '192.0.2.1' }]);

  expect(wanted.flows(bridged)).toEqual([
    { protocol: 'udp', family: 4, port: 53 },
    { protocol: 'udp', family: 6, port: 53 },
    { protocol: 'sctp', family: 4, port: 8080, address: { family: 4, bits: 0xc0000201n } },
  ]);
});

describe('the way from 127.0.0.1', () => {
  const stepsOf = (wanted: Wanted, proc: Readonly<Record<string, string>>) =>
    wanted.steps(bridged, scriptMachine({ proc })).map(({ operation }) => operation);

  test('is opened where it is not', () => {
    const open = { kind: 'set-sysctl', path: 'ipv4/conf/br0/route_localnet', value: '1', ifPresent: true };

    expect(stepsOf(wantedOf([web]), { [setting]: '0' })).toEqual([open]);
    expect(stepsOf(wantedOf([web]), {})).toEqual([open]);
  });

  test.each([
    ['it is open', [web], {}, '1'],
    ['no source changes', [web], { snat: false }, '0'],
    ['only IPv6 is led', [{ ...web, hostIP: '::' }], {}, '0'],
  ])('is left as it is where %s', (_, mappings, fields, value) => {
    expect(stepsOf(wantedOf(mappings, fields), { [setting]: value })).toEqual([]);
  });

  test('is missed by CHECK when somebody has closed it', () => {
    const check = (value: string) =>
      wantedOf([web]).check(bridged, scriptMachine({ proc: { [setting]: value } }));

    expect(() => check('1')).not.toThrow();
    expect(() => check('0')).toThrow('/proc/sys/net/ipv4/conf/br0/route_localnet is 0');
  });
});
