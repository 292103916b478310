import { expect, test } from 'vitest';
import { judgeOffload, type OffloadEvidence } from '../../../lib/doctor/mtu/judge-offload.ts';
import { statesOf, troublesOf } from './fixture.ts';

const features = `Features for flannel.1:
rx-checksumming: on
tx-checksumming: on
\ttx-checksum-ipv4: off [fixed]
\ttx-checksum-ip-generic: on
\ttx-checksum-ipv6: off [fixed]
`;

const counters = (wrong: number) =>
  'Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors\n' +
  `Udp: 76005544 168 0 76005715 0 0 ${wrong} 0 0\nUdpLite: InDatagrams InCsumErrors\nUdpLite: 0 9`;

const driver = (name: string) => `driver: ${name}\nversion: 1.0\nfirmware-version: \n`;

const evidence = (name: string, text: string | undefined, wrong = 0): OffloadEvidence => ({
  devices: [
    {
      name: 'flannel.1',
      outer: 'ens192',
      features: text,
      because: 'ethtool is not installed',
      driver: driver(name),
    },
  ],
  counters: counters(wrong),
});

test('a driver of which nothing is known is well', () => {
  expect(judgeOffload(evidence('virtio_net', features))).toMatchObject([
    { state: 'ok', found: expect.stringContaining('virtio_net') },
  ]);
});

test('a driver that is known to spoil checksums is a warning with the exact command', () => {
  expect(troublesOf(judgeOffload(evidence('vmxnet3', features)))).toEqual([
    expect.stringMatching(
      /^warning: .*ens192, whose driver vmxnet3.* -> ethtool -K flannel\.1 tx-checksum-ip-generic off$/,
    ),
  ]);
});

test('with the offload switched off that driver is well', () => {
  const off = features.replace('tx-checksum-ip-generic: on', 'tx-checksum-ip-generic: off');

  expect(statesOf(judgeOffload(evidence('vmxnet3', off)))).toEqual(['ok']);
});

test('without ethtool the check is skipped, saying how to get it', () => {
  expect(judgeOffload(evidence('', undefined))).toMatchObject([
    { state: 'skipped', found: expect.stringMatching(/not installed.*package ethtool/) },
  ]);
});

test('packets that came with a wrong checksum are a warning', () => {
  expect(troublesOf(judgeOffload(evidence('virtio_net', features, 12)))).toEqual([
    expect.stringContaining('12 UDP packets'),
  ]);
});
