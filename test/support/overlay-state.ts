import type { StoredLease } from './cluster.ts';
import { mustInside } from './process.ts';

/** A lease of etcd under the last part of its key. */
export type NamedLease = StoredLease & { readonly name: string };

/** How a host is reached for one family, as its lease says it. */
export type LeaseSide = {
  readonly subnet: string;
  readonly publicAddress: string;
  readonly mac: string;
  readonly device: 'flannel.1' | 'flannel-v6.1';
};

/** The families that a lease has a subnet of, IPv4 first. */
export function sidesOf({ name, ...lease }: NamedLease): readonly LeaseSide[] {
  const [v4 = '', v6] = name.split('&').map((part) => part.replace(/-(\d+)$/, '/$1'));
  const { PublicIP = '', PublicIPv6 = '', BackendData, BackendV6Data } = lease;
  const first = { subnet: v4, publicAddress: PublicIP, mac: BackendData?.VtepMAC ?? '' };
  const second = { publicAddress: PublicIPv6, mac: BackendV6Data?.VtepMAC ?? '' };
  return [
    { ...first, device: 'flannel.1' },
    ...(v6 === undefined ? [] : [{ ...second, subnet: v6, device: 'flannel-v6.1' } as const]),
  ];
}

/**
 * What a host's kernel has of an overlay in 10.5.0.0/16 and fd00:5::/48, its MTU being that of an underlay of 1500: a
 * sorted line for each device, address, route, neighbour and FDB entry.
 */
export async function observeOverlay(netns: string): Promise<readonly string[]> {
  const text = await mustInside(netns, 'sh', '-c', showAll);
  return text.split('\n').flatMap(toEntry).sort();
}

/** The same as it is to be on the host that holds a lease, among others that are reached by VXLAN. */
export function overlayOf(own: NamedLease, others: readonly NamedLease[]): readonly string[] {
  const devices = sidesOf(own).flatMap((side) => [
    `${side.device} ${side.mac} mtu ${side.device === 'flannel.1' ? 1450 : 1430} from ${side.publicAddress} up`,
    `${side.device} has ${toAddress(side)}/${side.device === 'flannel.1' ? 32 : 128}`,
  ]);
  const names = new Set(sidesOf(own).map(({ device }) => device));
  const peers = others.flatMap(sidesOf).filter(({ device }) => names.has(device));
  return [...devices, ...peers.flatMap(entriesOf)].sort();
}

/** What is in one list only: `lacks …` and `has … too much`. */
export function compareEntries(found: readonly string[], wanted: readonly string[]): readonly string[] {
  return [
    ...wanted.filter((entry) => !found.includes(entry)).map((entry) => `lacks ${entry}`),
    ...found.filter((entry) => !wanted.includes(entry)).map((entry) => `has ${entry}, which nobody wants`),
  ];
}

/** Lines of `ip` and `bridge` with what they are about in front; of a device that is not there, none. */
const showAll = `
show() { about=$1; shift; "$@" 2> /dev/null | sed "s/^/$about /"; }
show route ip -4 -N route show
show route ip -6 -N route show
for device in flannel.1 flannel-v6.1; do
  show link ip -o -d link show dev $device
  show address ip -o addr show dev $device scope global
  show "neighbour $device" ip neigh show dev $device nud permanent
  show "fdb $device" bridge fdb show dev $device
done
`;

function toEntry(line: string): readonly string[] {
  const [about = '', ...words] = line.trim().split(/\s+/);
  const after = (word: string) => words[words.indexOf(word) + 1] ?? '';
  switch (about) {
    case 'route':
      return toRoute(words);
    case 'link': {
      const [, device = '', flags = ''] = words;
      const state = /\bUP\b/.test(flags) ? 'up' : 'down';
      return [
        `${device.slice(0, -1)} ${after('link/ether')} mtu ${after('mtu')} from ${after('local')} ${state}`,
      ];
    }
    case 'address':
      return [`${words[1]} has ${words[3]}`];
    case 'neighbour':
      return [`${words[0]} neighbour ${words[1]} is ${after('lladdr')}`];
    case 'fdb':
      return [`${words[0]} sends to ${words[1]} at ${after('dst')}`];
    default:
      return [];
  }
}

/** The kernel's own routes (protocol 2) are those of addresses, be it the bridge's or the device's. */
function toRoute(words: readonly string[]): readonly string[] {
  const [to = ''] = words;
  const isOverlays = /^(10\.5\.|fd00:5:)/.test(to);
  const isKernels = words[words.indexOf('proto') + 1] === '2';
  return isOverlays && !isKernels ? [`route ${words.join(' ').replace(' pref medium', '')}`] : [];
}

function entriesOf(side: LeaseSide): readonly string[] {
  const { device, subnet, mac, publicAddress } = side;
  const via = toAddress(side);
  const neighbour = `${device} neighbour ${via} is ${mac}`;
  const forwarding = `${device} sends to ${mac} at ${publicAddress}`;
  const routes =
    device === 'flannel.1'
      ? [`route ${subnet} via ${via} dev ${device} proto 76 onlink`]
      : [
          `route ${via} dev ${device} proto 76 metric 255`,
          `route ${subnet} via ${via} dev ${device} proto 76 metric 255 onlink`,
        ];
  return [neighbour, forwarding, ...routes];
}

/** The subnet's own address, by which its host is reached in the overlay. */
function toAddress({ subnet }: Pick<LeaseSide, 'subnet'>): string {
  return subnet.replace(/\/.*/, '');
}
