import { expect, test } from 'vitest';
import { judgePathMtu, type PeerPath, type Probe } from '../../../lib/doctor/mtu/judge-path-mtu.ts';
import { parsePing, probePath } from '../../../lib/doctor/mtu/probe-path.ts';
import { parseAddress } from '../../../lib/net/address.ts';
import { scriptMachine } from '../../support/scripted-machine.ts';
import { statesOf, troublesOf } from './fixture.ts';

const path = (probe: Probe, mtu?: number): PeerPath => ({
  peer: '192.0.2.2',
  route: { dev: 'eth0', mtu },
  size: 1500,
  probe,
});

test.each([
  ['fits', path({ kind: 'fits' }), 'ok', /full size/],
  ['is told to be too big', path({ kind: 'too-big', mtu: 1400 }), 'problem', /carries 1400/],
  ['is swallowed', path({ kind: 'swallowed' }), 'problem', /swallows what is large/],
  ['has a route of a smaller MTU', path({ kind: 'silent' }, 1300), 'problem', /carries 1300/],
  ['is not answered', path({ kind: 'silent' }), 'warning', /does not answer/],
  ['cannot be sent', path({ kind: 'untried', because: 'no -M' }), 'skipped', /no -M/],
])('a full packet that %s', (_, way, state, found) => {
  expect(judgePathMtu({ paths: [way], untried: 0 })).toMatchObject([
    { state, found: expect.stringMatching(found) },
  ]);
});

test('a host to which there is no route is a problem', () => {
  const paths: readonly PeerPath[] = [
    { peer: '192.0.2.2', route: undefined, because: 'RTNETLINK answers: Network is unreachable' },
  ];

  expect(troublesOf(judgePathMtu({ paths, untried: 0 }))).toEqual([expect.stringContaining('unreachable')]);
});

test('hosts that were left out are counted, and no host at all is skipped', () => {
  expect(judgePathMtu({ paths: [path({ kind: 'fits' })], untried: 192 })[0]?.found).toContain('192 more');
  expect(statesOf(judgePathMtu({ paths: [], untried: 0 }))).toEqual(['skipped']);
});

test.each([
  [1, 'ping: local error: message too long, mtu=1400\n', { kind: 'too-big', mtu: 1400 }],
  [1, 'ping: sendmsg: Message too long\n', { kind: 'too-big', mtu: undefined }],
  [1, 'From 192.0.2.254 icmp_seq=1 Frag needed and DF set (mtu = 1300)\n', { kind: 'too-big', mtu: 1300 }],
  [1, 'From 2001:db8::9 icmp_seq=1 Packet too big: mtu=1280\n', { kind: 'too-big', mtu: 1280 }],
  [1, '1 packets transmitted, 0 received, 100% packet loss, time 0ms\n', { kind: 'silent' }],
  [0, '1 packets transmitted, 1 received, 0% packet loss, time 0ms\n', { kind: 'fits' }],
  [2, "ping: invalid option -- 'M'\n", { kind: 'untried', because: "ping: invalid option -- 'M'" }],
])('ping that ends with %d and says %j', (status, said, expected) => {
  expect(parsePing({ status, stdout: '', stderr: said })).toEqual(expected);
});

test('a full packet that is lost is followed by a small one, which tells a narrow way from a host that is away', () => {
  const large = (args: readonly string[]) => args.includes('1472');
  const machine = scriptMachine({ answer: ({ args }) => ({ status: large(args) ? 1 : 0 }) });

  expect(probePath(addressOf('192.0.2.2'), 1500, machine)).toEqual({ kind: 'swallowed' });
  expect(machine.log).toEqual([
    'host: ping -n -c 1 -W 1 -w 1 -M do -s 1472 192.0.2.2',
    'host: ping -n -c 1 -W 1 -w 1 -M do -s 72 192.0.2.2',
  ]);
});

test("a packet of IPv6 has that family's headers", () => {
  const machine = scriptMachine();

  expect(probePath(addressOf('2001:db8::2'), 1500, machine)).toEqual({ kind: 'fits' });
  expect(machine.log).toEqual([expect.stringContaining('-s 1452 2001:db8::2')]);
});

function addressOf(text: string) {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}
