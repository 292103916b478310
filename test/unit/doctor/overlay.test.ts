import { expect, test } from 'vitest';
import { recogniseOverlay, type Signs } from '../../../lib/doctor/overlay.ts';
import { parseSubnetEnv } from '../../../lib/overlay/subnet-env/subnet-env.ts';
import { cidr, cni0, eth0, flannel1, link, vxlanLink } from './fixture.ts';

const path = '/run/flannel/subnet.env';
const none: Signs = {
  links: [eth0, cni0],
  vxlans: [],
  subnetFile: { path, kind: 'absent' },
  agentFile: { hasOverlay: false },
};

const withEnv = (more = ''): Signs['subnetFile'] => ({
  path,
  kind: 'read',
  env: parseSubnetEnv(
    `FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.1.1/24\nFLANNEL_MTU=1450\n${more}`,
    path,
  ),
});

test('a host with bridges only is in no overlay, whatever VXLAN devices of others it has', () => {
  const others = [vxlanLink('vxlan.calico'), vxlanLink('vx-001001-abcde')];

  expect(recogniseOverlay(none)).toBeUndefined();
  expect(recogniseOverlay({ ...none, vxlans: others })).toBeUndefined();
});

test.each([
  ['a device with our alias', { vxlans: [vxlanLink('vxlan.9', { alias: 'fairlead/overlay' })] }],
  ["a device of flanneld's name", { vxlans: [flannel1] }],
  ['a subnet file', { subnetFile: withEnv() }],
  ["an overlay in the agent's configuration", { agentFile: { hasOverlay: true } }],
])('%s says that the host is in an overlay', (_, signs) => {
  expect(recogniseOverlay({ ...none, ...signs })).toBeDefined();
});

test('network, subnet and the bridge with an address of the subnet are of the overlay', () => {
  const docker = link('docker0', { kind: 'bridge', addresses: [cidr('172.17.0.1/16')] });

  const overlay = recogniseOverlay({
    ...none,
    links: [cni0, docker],
    vxlans: [flannel1],
    subnetFile: withEnv(),
  });

  expect(overlay).toMatchObject({ mode: 'l3', mtu: 1450, devices: [flannel1], bridges: [cni0], absent: [] });
  expect(overlay?.networks).toEqual([cidr('10.5.0.0/16')]);
  expect(overlay?.subnets).toEqual([cidr('10.5.1.0/24')]);
});

test('in a stretched network the bridge is the one that the device has joined', () => {
  const device = vxlanLink('vxlan.1', { alias: 'fairlead/overlay', master: 'br7' });
  const bridge = link('br7', { kind: 'bridge' });

  const overlay = recogniseOverlay({ ...none, links: [bridge, device], vxlans: [device] });

  expect(overlay?.bridges).toEqual([bridge]);
});

test('a device that the subnet file names and the kernel has not is absent', () => {
  const subnetFile = withEnv('FAIRLEAD_DEVICE=flannel.1\n');

  expect(recogniseOverlay({ ...none, subnetFile })?.absent).toEqual(['flannel.1']);
  expect(recogniseOverlay({ ...none, subnetFile, vxlans: [flannel1] })?.absent).toEqual([]);
});
