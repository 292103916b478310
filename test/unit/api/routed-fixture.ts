import type { ApiRouted } from '../../../lib/api/parts.ts';
import type { HostRelease } from '../../../lib/blocks/release-host.ts';
import type { IpamStatus } from '../../../lib/blocks/status.ts';
import type { BgpStatus } from '../../../lib/routing/bgp-status.ts';
import type { RoutingStatus } from '../../../lib/routing/router.ts';

/** Two hosts that share a pool: this one has lent an address, the other one is gone. */
export const ipam: IpamStatus = {
  node: 'node-a',
  network: 'routed',
  etcd: { endpoint: 'http://192.0.2.201:2379', isConnected: true },
  pools: [
    {
      name: 'main',
      cidr: '10.50.0.0/24',
      blockLength: 26,
      natOutgoing: true,
      isDisabled: false,
      blocks: '4',
      taken: 2,
      used: 5,
    },
  ],
  blocks: [
    {
      cidr: '10.50.0.0/26',
      pool: 'main',
      node: 'node-a',
      host: 'alpha',
      isHostAlive: true,
      state: 'confirmed',
      size: '64',
      used: 3,
      loans: [{ address: '10.50.0.9', host: 'beta' }],
    },
    {
      cidr: '10.50.0.64/26',
      pool: 'main',
      node: 'node-b',
      host: 'beta',
      isHostAlive: false,
      state: 'confirmed',
      size: '64',
      used: 2,
      loans: [],
    },
  ],
  hosts: [
    { node: 'node-a', name: 'alpha', addresses: ['192.0.2.1'], isAlive: true, blocks: 1, used: 3 },
    { node: 'node-b', name: 'beta', addresses: ['192.0.2.2'], isAlive: false, blocks: 1, used: 2 },
  ],
  share: { ranges: ['10.50.0.0-10.50.0.8', '10.50.0.10-10.50.0.63'], leased: 3, free: 60 },
  suspects: [{ address: '10.50.0.5', because: 'its namespace is gone', since: '2026-01-02T03:04:05.000Z' }],
  reclaimed: 7,
  problems: [],
};

export const routes: RoutingStatus = {
  mode: 'bird',
  announced: ['10.50.0.0/26'],
  routes: [
    {
      dst: '10.50.0.64/26',
      family: 4,
      host: 'beta',
      via: '192.0.2.2',
      dev: 'eth0',
      way: 'bgp',
      isInstalled: true,
    },
    { dst: '10.50.0.128/26', family: 4, host: 'gamma', way: 'none', isInstalled: false },
  ],
  drift: { repairs: 2, last: ['route 10.50.0.64/26'], lastAt: '2026-01-02T03:04:05.000Z' },
  problems: ['10.50.0.128/26 is routed to docker0 (protocol 2)'],
};

export const bgp: BgpStatus = {
  version: '2.0.12',
  routerId: '192.0.2.1',
  asn: 64_512,
  neighbours: [
    {
      address: '192.0.2.2',
      name: 'beta',
      asn: 64_512,
      kind: 'mesh',
      state: 'Established',
      since: '12:00:01',
      learned: ['10.50.0.64/26'],
    },
    {
      address: '192.0.2.3',
      name: 'gamma',
      asn: 64_512,
      kind: 'mesh',
      state: 'Active',
      since: '12:00:02',
      lastError: 'Socket: Connection refused',
      learned: [],
    },
  ],
  announced: ['10.50.0.0/26'],
  problems: [],
};

/** A machine with that part, which answers a release so, and tells of what it was asked. */
export function routedParts(
  outcome: HostRelease | Error = { kind: 'unknown' },
  changes: Partial<ApiRouted> = {},
): { readonly routed: ApiRouted; readonly asked: readonly string[] } {
  const asked: string[] = [];
  const releaseHost: ApiRouted['releaseHost'] = (host, { force }) => {
    asked.push(`${host}${force ? ' by force' : ''}`);
    return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome);
  };
  const status = { ipam: () => ipam, routes: () => routes, bgp: () => Promise.resolve(bgp) };
  return { routed: { ...status, releaseHost, ...changes }, asked };
}
