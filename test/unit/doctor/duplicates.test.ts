import { expect, test } from 'vitest';
import { judgeDuplicates } from '../../../lib/doctor/host/judge-duplicates.ts';
import { parseSeenRoutes, type SeenRoute } from '../../../lib/doctor/host/seen-routes.ts';
import { cidr, cni0, flannel1, link, statesOf, troublesOf } from './fixture.ts';

const overlay = {
  devices: [flannel1],
  bridges: [cni0],
  networks: [cidr('10.5.0.0/16')],
  subnets: [cidr('10.5.1.0/24')],
};

const route = (dst: string, dev: string, changes: Partial<SeenRoute> = {}): SeenRoute => ({
  dst: cidr(dst),
  dev,
  hasGateway: false,
  isMarked: false,
  ...changes,
});

const usual = [route('0.0.0.0/0', 'eth0'), route('10.5.1.0/24', 'cni0'), route('10.5.2.0/24', 'flannel.1')];

const judge = (...routes: readonly SeenRoute[]) =>
  judgeDuplicates({ bridges: [cni0], routes: [...usual, ...routes], overlay });

test("the overlay's own routes, the bridge's and the default route are well", () => {
  expect(statesOf(judge())).toEqual(['ok']);
});

test('two bridges with networks that overlap are a problem that names both', () => {
  const docker = link('docker0', { kind: 'bridge', addresses: [cidr('10.5.0.1/16'), cidr('172.17.0.1/16')] });

  const verdicts = judgeDuplicates({ bridges: [cni0, docker], routes: [], overlay: undefined });

  expect(troublesOf(verdicts)).toEqual([
    expect.stringMatching(
      /cni0 has 10\.5\.1\.0\/24 and docker0 has 10\.5\.0\.0\/16.*ip link del dev docker0/,
    ),
  ]);
});

test('bridges whose addresses are of the link only do not meet', () => {
  const bridges = ['br0', 'br1'].map((name) =>
    link(name, { kind: 'bridge', addresses: [cidr('fe80::1/64')] }),
  );

  expect(statesOf(judgeDuplicates({ bridges, routes: [], overlay: undefined }))).toEqual(['ok']);
});

test.each([
  ['to the same subnet', '10.5.2.0/24'],
  ['to a part of it', '10.5.2.128/25'],
])("a second route %s of another host's is a problem", (_, dst) => {
  expect(troublesOf(judge(route(dst, 'eth1')))).toEqual([
    expect.stringMatching(/^problem: 10\.5\.2\.\d+\/2\d is another host's.*by eth1.*ip route del/),
  ]);
});

test('a bridge that still has the subnet that another host has taken over is a problem', () => {
  expect(statesOf(judge(route('10.5.2.0/24', 'cni0')))).toEqual(['problem']);
});

test('a route into the network of the overlay is a problem, a wider one a warning', () => {
  expect(statesOf(judge(route('10.5.7.0/25', 'tun0')))).toEqual(['problem']);
  expect(statesOf(judge(route('10.0.0.0/8', 'tun0')))).toEqual(['warning']);
});

test.each([
  ['of ours, by its mark', { isMarked: true }],
  ["of flanneld's, by its gateway and length", { hasGateway: true }],
])('a direct route to a host of the same link is well: one %s', (_, changes) => {
  expect(statesOf(judge(route('10.5.3.0/24', 'eth0', changes)))).toEqual(['ok']);
});

test('routes of tables are read as iproute2 prints them; the local table and link-local ones are left out', () => {
  const text = JSON.stringify([
    { dst: 'default', dev: 'lo', table: '77', scope: '253', flags: [] },
    { dst: '10.1.0.0/24', gateway: '192.0.2.2', dev: 'eth0', protocol: '76', flags: [] },
    { type: '6', dst: '10.2.0.0/16', flags: [] },
    {
      dst: '10.8.0.0/16',
      flags: [],
      nexthops: [
        { dev: 'eth0', weight: 1 },
        { gateway: '192.0.2.9', dev: 'p' },
      ],
    },
    { type: '2', dst: '127.0.0.1', dev: 'lo', table: '255', protocol: '2' },
    { dst: '169.254.0.0/16', dev: 'eth0' },
  ]);

  expect(parseSeenRoutes(text, 4)).toEqual([
    route('0.0.0.0/0', 'lo'),
    route('10.1.0.0/24', 'eth0', { hasGateway: true, isMarked: true }),
    route('10.8.0.0/16', 'eth0'),
    route('10.8.0.0/16', 'p', { hasGateway: true }),
  ]);
});
