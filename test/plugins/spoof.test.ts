import { expect, test } from 'vitest';
import { dualConf, v4, v6 } from '../support/confs.ts';
import { Rig } from '../support/rig.ts';
import { canPing, type Frame, framesThatArrive } from '../support/traffic.ts';

/** Frames that lie, each in one point, about a container with the addresses given. */
function lies(mac: string): readonly Frame[] {
  const other = '02:66:66:66:66:66';
  return [
    { mark: 'mac ipv4', kind: 'ipv4', mac: other, ip: v4.first },
    { mark: 'mac ipv6', kind: 'ipv6', mac: other, ip: v6.first },
    { mark: 'mac arp ethernet', kind: 'arp', mac: other, arpMac: mac, ip: v4.first },
    { mark: 'mac arp sender', kind: 'arp', mac, arpMac: other, ip: v4.first },
    { mark: 'ip ipv4', kind: 'ipv4', mac, ip: '10.22.0.99' },
    { mark: 'ip ipv6', kind: 'ipv6', mac, ip: 'fd00:22::99' },
    { mark: 'ip arp', kind: 'arp', mac, ip: v4.gateway },
    { mark: 'ip vlan', kind: 'vlan-ipv4', mac, ip: '10.22.0.99' },
    { mark: 'ip other', kind: 'other', mac, ip: '' },
  ];
}

function truths(mac: string): readonly Frame[] {
  return [
    { mark: 'honest ipv4', kind: 'ipv4', mac, ip: v4.first },
    { mark: 'honest ipv6', kind: 'ipv6', mac, ip: v6.first },
    { mark: 'honest arp', kind: 'arp', mac, ip: v4.first },
    { mark: 'honest arp probe', kind: 'arp', mac, ip: '0.0.0.0' },
    { mark: 'honest ipv6 unspecified', kind: 'ipv6', mac, ip: '::' },
  ];
}

test.each([
  ['neither check', {}, []],
  ['macspoofchk', { macspoofchk: true }, ['mac ']],
  ['ipspoofchk', { ipspoofchk: true }, ['ip ']],
  ['both checks', { macspoofchk: true, ipspoofchk: true }, ['mac ', 'ip ']],
])('with %s exactly the frames that lie about it are dropped', async (_, fields, dropped) => {
  await using rig = await Rig.create();
  const [one, other] = [await rig.container(), await rig.container()];
  const first = await rig.add(dualConf(rig, fields), one);
  await rig.add(dualConf(rig, fields), other);
  const mac = first.interfaces?.[2]?.mac ?? '';
  const frames = [...truths(mac), ...lies(mac)];

  const arrived = await framesThatArrive({ from: one, to: other }, frames, {
    kind: 'ipv4',
    mac,
    ip: v4.first,
  });

  const expected = frames
    .map(({ mark }) => mark)
    .filter((mark) => !dropped.some((kind) => mark.startsWith(kind)));
  expect(arrived).toEqual(expected.sort());
  expect(await canPing(one, v4.second)).toBe(true);
  expect(await canPing(one, v6.second)).toBe(true);
});
