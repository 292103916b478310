import { describe, expect, test } from 'vitest';
import type { Command, Outcome } from '../../../lib/exec/command.ts';
import { inquire, inquireAsync } from '../../../lib/exec/inquiry.ts';
import type { IfName } from '../../../lib/net/ifname.ts';
import { observePlane } from '../../../lib/overlay/kernel/observe.ts';
import { staticProtocol } from '../../../lib/overlay/kernel/wish.ts';
import { address, cidr, plane, publicAddress } from '../../support/overlay-planes.ts';

// What the tools print is copied from iproute2 6.1.

const link = {
  ifname: 'flannel.1',
  flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
  mtu: 1450,
  address: '02:00:00:00:00:01',
  ifalias: 'fairlead/overlay',
  linkinfo: {
    info_kind: 'vxlan',
    info_data: {
      ...{ id: 1, local: '192.0.2.1', link: 'eth0', port: 8472, learning: false },
      ...{ udp_csum: true, udp_zero_csum6_tx: false, udp_zero_csum6_rx: false },
    },
  },
  addr_info: [
    { family: 'inet', local: '10.5.1.0', prefixlen: 32, scope: 'global' },
    { family: 'inet6', local: 'fe80::ff:fe00:1', prefixlen: 64, scope: 'link' },
  ],
};

const answers: Readonly<Record<string, unknown>> = {
  'ip -j -d addr show type vxlan': [{}, link, { ...link, ifname: 'vxlan9' }],
  'bridge -j fdb show dev flannel.1': [
    { mac: '02:00:00:00:00:09', dst: '192.0.2.2', flags: ['self'], state: 'permanent' },
    { mac: '02:00:00:00:00:0a', dst: '192.0.2.3', flags: ['self'], state: '' },
    { mac: '00:00:00:00:00:00', dst: '192.0.2.4', flags: ['self'], state: 'permanent' },
    { mac: '33:33:00:00:00:01', flags: ['self'], state: 'permanent' },
  ],
  'ip -4 -j neigh show dev flannel.1 nud permanent': [
    { dst: '10.5.2.0', lladdr: '02:00:00:00:00:09', state: ['PERMANENT'] },
    { dst: '224.0.0.1', state: ['PERMANENT'] },
  ],
  'ip -4 -N -j route show proto 76': [
    { dst: '10.5.2.0/24', gateway: '10.5.2.0', dev: 'flannel.1', flags: ['onlink'] },
    { dst: '10.5.3.0/24', gateway: '192.0.2.3', dev: 'eth0', flags: [] },
    { dst: '172.31.0.0/16', gateway: '192.0.2.3', dev: 'eth0', flags: [] },
    { dst: '10.5.4.7', gateway: '192.0.2.3', dev: 'eth0', metric: 5, flags: [] },
    { dst: '10.5.5.0/24', nexthops: [], flags: [] },
  ],
  'ip -4 -N -j route show dev flannel.1': [
    { dst: '10.5.2.0/24', gateway: '10.5.2.0', protocol: '76', flags: ['onlink'] },
    { dst: '10.9.9.0/24', gateway: '10.9.9.0', flags: ['onlink'] },
    { dst: '10.9.0.0/16', gateway: '10.5.2.0', protocol: '4', flags: ['onlink'] },
    { dst: '10.8.0.0/16', protocol: '2', scope: 'link', flags: [] },
  ],
};

/** Runs nothing; fails for what it has no answer to. */
function scripted(known: Readonly<Record<string, unknown>> = answers) {
  const asked: string[] = [];
  const run = ({ file, args }: Command): Outcome => {
    const line = [file, ...args].join(' ');
    asked.push(line);
    const answer = known[line];
    if (answer === undefined) return { status: 1, stdout: '', stderr: 'Cannot find device "flannel.1"\n' };
    return { status: 0, stdout: JSON.stringify(answer), stderr: '' };
  };
  return { asked, run };
}

describe('what the kernel has of a plane', () => {
  const found = inquire(observePlane(plane(1)), scripted().run);

  test('is the device with what it was made with', () => {
    expect(found.device).toMatchObject({
      isUp: true,
      mtu: 1450,
      alias: 'fairlead/overlay',
      addresses: [cidr('10.5.1.0/32'), cidr('fe80::ff:fe00:1/64')],
      vxlan: {
        ...{ vni: 1, port: 8472, local: publicAddress(1), outer: 'eth0', learning: false },
        ...{ remote: undefined, receiving: [] },
      },
    });
    expect(found.vxlans.map(({ name }) => name)).toEqual(['flannel.1', 'vxlan9']);
  });

  test('is its permanent entries, and no others', () => {
    const device = 'flannel.1';

    expect(found.fdb).toEqual([{ device, mac: '02:00:00:00:00:09', dst: publicAddress(2) }]);
    expect(found.flood).toEqual([{ device, dst: publicAddress(4) }]);
    expect(found.neighbours).toEqual([
      { link: device, address: address('10.5.2.0'), mac: '02:00:00:00:00:09' },
    ]);
  });

  test('is our routes within the network, and what flanneld has left on the device', () => {
    expect(found.routes).toMatchObject([
      { dst: cidr('10.5.2.0/24'), link: 'flannel.1', via: address('10.5.2.0'), isOnLink: true, protocol: 76 },
      { dst: cidr('10.5.3.0/24'), link: 'eth0', isOnLink: false, metric: 0, protocol: 76 },
      { dst: cidr('10.5.4.7/32'), link: 'eth0', metric: 5, protocol: 76 },
      { dst: cidr('10.9.9.0/24'), link: 'flannel.1', protocol: 3 },
    ]);
  });

  test('is the same for one who waits and for one who does not', async () => {
    const { run } = scripted();

    expect(await inquireAsync(observePlane(plane(1)), async (command) => run(command))).toEqual(found);
  });
});

test('of static peers it is the routes of their protocol, and on the device those of an agent before', () => {
  const { asked, run } = scripted({
    ...answers,
    'ip -4 -N -j route show proto 77': [{ dst: '10.5.3.0/24', gateway: '192.0.2.3', dev: 'eth0', flags: [] }],
  });

  const { routes } = inquire(observePlane(plane(1), staticProtocol), run);

  expect(asked).not.toContain('ip -4 -N -j route show proto 76');
  expect(routes).toMatchObject([
    { dst: cidr('10.5.3.0/24'), link: 'eth0', protocol: 77 },
    { dst: cidr('10.5.2.0/24'), link: 'flannel.1', protocol: 76 },
    { dst: cidr('10.9.9.0/24'), link: 'flannel.1', protocol: 3 },
  ]);
});

test('where there is no device nothing on it is asked for, only routes by the underlay', () => {
  const { asked, run } = scripted({ ...answers, 'ip -j -d addr show type vxlan': [] });

  const found = inquire(observePlane(plane(1)), run);

  expect(found).toMatchObject({ device: undefined, vxlans: [], neighbours: [], fdb: [], flood: [] });
  expect(asked).toEqual(['ip -j -d addr show type vxlan', 'ip -4 -N -j route show proto 76']);
});

test('in mode l2 two processes tell all', () => {
  const { asked, run } = scripted();

  inquire(observePlane(plane(1, { mode: 'l2', bridge: 'cni0' as IfName })), run);

  expect(asked).toEqual(['ip -j -d addr show type vxlan', 'bridge -j fdb show dev flannel.1']);
});

test('a device that goes meanwhile is an error, not a plane without entries', () => {
  const { 'bridge -j fdb show dev flannel.1': _, ...rest } = answers;

  expect(() => inquire(observePlane(plane(1)), scripted(rest).run)).toThrow(/Cannot find device "flannel.1"/);
});
