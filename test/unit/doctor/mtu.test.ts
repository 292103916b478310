import { expect, test } from 'vitest';
import { judgeMtu, type MtuEvidence } from '../../../lib/doctor/mtu/judge-mtu.ts';
import { parseAddress } from '../../../lib/net/address.ts';
import { cni0, eth0, flannel1, link, port, statesOf, troublesOf, vxlanLink } from './fixture.ts';

const well: MtuEvidence = {
  devices: [flannel1],
  bridges: [cni0],
  told: 1450,
  links: [eth0, flannel1, cni0, port],
};

test('MTUs that fit into each other are well', () => {
  expect(statesOf(judgeMtu(well))).toEqual(['ok']);
});

test.each([
  ['IPv4', parseAddress('192.0.2.1'), 1430, 'mtu 1380'],
  ['IPv6', parseAddress('2001:db8::1'), 1500, 'mtu 1430'],
])(
  'a device over %s whose packets do not fit the underlay is a problem, with the MTU that fits',
  (_, local, mtu, expected) => {
    const device = vxlanLink('flannel.1', { vxlan: { local } });

    const verdicts = judgeMtu({ ...well, devices: [device], links: [{ ...eth0, mtu }, device] });

    expect(troublesOf(verdicts)).toEqual([expect.stringContaining(`ip link set dev flannel.1 ${expected},`)]);
  },
);

test('containers that are told, or made with, more than the overlay carries are problems', () => {
  const links = [...well.links, link('veth9', { kind: 'veth', master: 'cni0', mtu: 1500 })];

  const verdicts = judgeMtu({ ...well, told: 1500, links });

  expect(troublesOf(verdicts)).toEqual([
    expect.stringMatching(/told an MTU of 1500 .*carries 1450/),
    expect.stringMatching(/up to 1500 bytes \(1 of 2 on cni0, such as veth9\).*"mtu": 1450/),
  ]);
});

test("the device in a bridge's port, and containers of other bridges, are not compared", () => {
  const others = [
    link('vxlan.1', { kind: 'vxlan', master: 'cni0', mtu: 9000 }),
    link('veth9', { kind: 'veth', master: 'docker0', mtu: 1500 }),
  ];

  expect(statesOf(judgeMtu({ ...well, links: [...well.links, ...others] }))).toEqual(['ok']);
});
