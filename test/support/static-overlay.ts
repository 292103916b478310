import { Host } from './cluster-host.ts';
import type { Conf } from './rig.ts';
import { Underlay } from './underlay.ts';

/** Hosts with one underlay and nothing else in common: their overlay is what their configurations say. */
export type StaticHosts = AsyncDisposable & {
  readonly underlay: Underlay;
  readonly hosts: readonly [Host, Host, Host];
};

/**
 * Three hosts, with the numbers from 1 on.
 * @param options.mtu of the underlay, in bytes
 */
export async function createStaticHosts(options: { readonly mtu?: number } = {}): Promise<StaticHosts> {
  await using parts = new AsyncDisposableStack();
  const underlay = parts.use(await Underlay.create(options));
  const create = async (number: number) => parts.use(await Host.create({ underlay, number, endpoints: [] }));
  const hosts = [await create(1), await create(2), await create(3)] as const;
  const made = parts.move();
  return { underlay, hosts, [Symbol.asyncDispose]: () => made.disposeAsync() };
}

/** A host's network over IPv4 whose peers are the other hosts given; fields given are set over it. */
export function staticConf(host: Host, peers: readonly Host[], changes: Conf = {}): Conf {
  return {
    cniVersion: '1.1.0',
    name: 'overlay',
    type: 'vxlan-overlay',
    interface: 'eth0',
    network: '10.5.0.0/16',
    subnet: subnetOf(host),
    peers: peers.map(peerOf),
    ipam: { dataDir: host.rig.dataDir },
    ...changes,
  };
}

/** The same with both families. */
export function dualStaticConf(host: Host, peers: readonly Host[], changes: Conf = {}): Conf {
  return staticConf(host, peers, {
    ipv6Network: 'fd00:5::/48',
    ipv6Subnet: subnet6Of(host),
    peers: peers.map((peer) => ({ ...peerOf(peer), publicIPv6: peer.address6, ipv6Subnet: subnet6Of(peer) })),
    ...changes,
  });
}

/** A host as the configurations of the others name it, over IPv4. */
export function peerOf(host: Host): { readonly publicIP: string; readonly subnet: string } {
  return { publicIP: host.address, subnet: subnetOf(host) };
}

/** What the host has of the tests' overlay: 10.5.2.0/24 for number 2. */
export function subnetOf({ number }: Pick<Host, 'number'>): string {
  return `10.5.${number}.0/24`;
}

function subnet6Of({ number }: Host): string {
  return `fd00:5:0:${number}::/64`;
}
