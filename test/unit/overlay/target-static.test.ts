import { describe, expect, test } from 'vitest';
import { parseNetConf } from '../../../lib/cni/netconf.ts';
import { vxlanOverlay } from '../../../plugins/vxlan-overlay/plugin.ts';
import { scriptMachine } from '../../support/scripted-machine.ts';

// What an overlay of static peers aims at, and the configurations that it refuses, each with code 7.

const peer = { publicIP: '192.0.2.2', subnet: '10.5.2.0/24' };
const conf = {
  cniVersion: '1.1.0',
  name: 'overlay',
  type: 'vxlan-overlay',
  interface: 'eth0',
  network: '10.5.0.0/16',
  subnet: '10.5.1.0/24',
  peers: [peer],
};
const dual = {
  ...conf,
  ipv6Network: 'fd00:5::/48',
  ipv6Subnet: 'fd00:5:0:1::/64',
  peers: [{ ...peer, publicIPv6: '2001:db8:5::2', ipv6Subnet: 'fd00:5:0:2::/64' }],
};

/** A host with eth0 and its addresses of both families. */
const machine = scriptMachine({
  proc: { '/proc/sys/net/ipv4/conf/eth0/forwarding': '1' },
  answer: () => ({
    stdout: JSON.stringify([
      {
        ifname: 'eth0',
        mtu: 1500,
        address: '02:00:00:00:00:01',
        flags: ['UP'],
        addr_info: [
          { family: 'inet', local: '192.0.2.1', prefixlen: 24 },
          { family: 'inet6', local: '2001:db8:5::1', prefixlen: 64 },
        ],
      },
    ]),
  }),
});

const open = (json: object) =>
  vxlanOverlay.open({ conf: parseNetConf(json), env: {}, pluginPath: [] }, machine);

describe('what a container gets', () => {
  test('is of the host’s subnet, with a way to the whole network', () => {
    const { ipamCall, network } = open(dual);

    expect(ipamCall.conf.fields.raw('ipam')).toEqual({
      type: 'host-local',
      ranges: [[{ subnet: '10.5.1.0/24' }], [{ subnet: 'fd00:5:0:1::/64' }]],
      routes: [{ dst: '10.5.0.0/16' }, { dst: 'fd00:5::/48' }],
    });
    expect(network).toMatchObject({ isDefaultGateway: true, ipMasq: true, mtu: 1430 });
  });

  test('is in mode l2 of the whole network, of the host’s share, with a gateway of the host’s own', () => {
    const { ipamCall, network } = open({ ...dual, mode: 'l2' });

    expect(ipamCall.conf.fields.raw('ipam')).toMatchObject({
      ranges: [
        [{ subnet: '10.5.0.0/16', gateway: '10.5.1.1', rangeStart: '10.5.1.2', rangeEnd: '10.5.1.254' }],
        [
          {
            subnet: 'fd00:5::/48',
            gateway: 'fd00:5:0:1::1',
            rangeStart: 'fd00:5:0:1::2',
            rangeEnd: 'fd00:5:0:1:ffff:ffff:ffff:fffe',
          },
        ],
      ],
    });
    expect(network.mtu).toBe(1450);
  });
});

describe('is refused', () => {
  test.each<[string, object, RegExp]>([
    [
      'peers with the same subnet',
      { peers: [peer, { ...peer, publicIP: '192.0.2.77' }] },
      /peers: the one with subnet 10\.5\.2\.0\/24.*overlaps/,
    ],
    [
      'a peer whose subnet is a part of this host’s',
      { peers: [{ publicIP: '192.0.2.77', subnet: '10.5.1.128/25' }] },
      /10\.5\.1\.128\/25.*this host/,
    ],
    [
      'a peer that is this host',
      { peers: [{ publicIP: '192.0.2.1', subnet: '10.5.9.0/24' }] },
      /192\.0\.2\.1 is this host's own/,
    ],
    [
      'a peer outside the network',
      { peers: [{ publicIP: '192.0.2.77', subnet: '10.6.2.0/24' }] },
      /10\.6\.2\.0\/24 is not in the overlay's network/,
    ],
    [
      'a MAC that is none',
      { peers: [{ ...peer, vtepMAC: 'nonsense' }] },
      /^peers\[0\]\.vtepMAC: .*unicast MAC/,
    ],
    ['a MAC of a group', { peers: [{ ...peer, vtepMAC: '01:00:5e:00:00:01' }] }, /^peers\[0\]\.vtepMAC/],
    [
      'a peer without an address',
      { peers: [{ subnet: '10.5.2.0/24' }] },
      /^peers\[0\]\.publicIP: is required/,
    ],
    ['a peer without a subnet', { peers: [{ publicIP: '192.0.2.2' }] }, /^peers\[0\]\.subnet: is required/],
    [
      'an address of the other family',
      { peers: [{ publicIP: '2001:db8:5::2', subnet: '10.5.2.0/24' }] },
      /^peers\[0\]\.publicIP: .*IPv4/,
    ],
    ['a misspelt field of a peer', { peers: [{ ...peer, mac: '02:00:00:00:00:02' }] }, /^peers\[0\]\.mac: /],
    ['peers that are no list', { peers: peer }, /^peers: /],
    ['a subnet outside the network', { subnet: '10.6.1.0/24' }, /^subnet: /],
    ['a subnet as large as the network', { subnet: '10.5.0.0/16' }, /^subnet: /],
    ['a subnet with host bits', { subnet: '10.5.1.7/24' }, /^subnet: /],
    ['a network without a subnet', { subnet: null }, /^subnet: is required/],
    ['a subnet without a network', { network: null }, /^network: is required/],
    ['neither', { network: null, subnet: null }, /^network: is required/],
    [
      'a subnet file beside them',
      { subnetFile: '/run/flannel/subnet.env' },
      /^subnetFile and .* cannot both/,
    ],
    ['an interface that is not there', { interface: 'eth7' }, /no interface eth7/],
    [
      'a public address that it has not',
      { publicIP: '192.0.2.2' },
      /has not the public address 192\.0\.2\.2/,
    ],
    ['an unknown mode', { mode: 'bridge' }, /^mode: .*"l3" or "l2"/],
    ['a VNI that is none', { vni: 16_777_216 }, /^vni: /],
    ['a VNI whose device has too long a name', { vni: 16_777_215 }, /VNI 16777215.*smaller/],
    ['a port that is none', { port: 70_000 }, /^port: /],
    ['a larger MTU than the overlay carries', { mtu: 1451 }, /^mtu: .*at most 1450/],
    ['another IPAM plugin', { ipam: { type: 'dhcp' } }, /^ipam\.type: .*host-local/],
  ])('%s', (_, changes, says) => {
    expect(() => open({ ...conf, ...changes })).toThrow(
      expect.objectContaining({ code: 7, message: expect.stringMatching(says) }),
    );
  });
});

test('containers are taken from it whatever has become of peers, interface and subnet', () => {
  const json = { ...conf, peers: [{}], interface: 'eth7', subnet: 'nonsense', mtu: 9000 };

  const { ipamCall } = vxlanOverlay.openRemoval({ conf: parseNetConf(json), env: {}, pluginPath: [] });

  expect(ipamCall.conf.name).toBe('overlay');
});
