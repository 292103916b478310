import { formatAddress } from '../net/address.ts';
import { formatCidr } from '../net/cidr.ts';
import {
  type BlackholeRoute,
  type BridgeOperation,
  type ExactRoute,
  type FloodEntry,
  floodMac,
  type HostRoute,
  type IpOperation,
  type Neighbour,
  type VlanOperation,
} from '../plan/operation.ts';
import { joinWords } from './words.ts';

type Rendered<Kind extends IpOperation['kind']> = Extract<IpOperation, { kind: Kind }>;

/**
 * The line of `ip -batch` for one operation.
 *
 * Every device stands behind `dev` or `name`: a link called `a` or `d` would be read as a keyword. The batch is
 * cut at white space and has no way to quote, so only branded values are rendered, and each word is checked.
 */
export function renderIp(operation: IpOperation): string {
  return joinWords('ip', ipWords(operation));
}

/** The line of `bridge -batch` for one operation. */
export function renderBridge(operation: BridgeOperation): string {
  return joinWords('bridge', bridgeWords(operation));
}

function ipWords(operation: IpOperation): string[] {
  switch (operation.kind) {
    case 'add-bridge':
      return addBridge(operation);
    case 'add-veth':
      return addVeth(operation);
    case 'add-vxlan':
      return addVxlan(operation);
    case 'delete-link':
      return ['link', 'del', 'dev', operation.name];
    case 'set-mac':
      return ['link', 'set', 'dev', operation.name, 'address', operation.mac];
    case 'set-mtu':
      return ['link', 'set', 'dev', operation.name, 'mtu', `${operation.mtu}`];
    case 'set-alias':
      return ['link', 'set', 'dev', operation.name, 'alias', operation.alias];
    case 'set-master':
      return ['link', 'set', 'dev', operation.name, 'master', operation.master];
    case 'unset-master':
      return ['link', 'set', 'dev', operation.name, 'nomaster'];
    case 'add-ifb':
      return addIfb(operation);
    case 'set-promiscuous':
      return ['link', 'set', 'dev', operation.name, 'promisc', 'on'];
    case 'unset-promiscuous':
      return ['link', 'set', 'dev', operation.name, 'promisc', 'off'];
    case 'set-allmulticast':
      return ['link', 'set', 'dev', operation.name, 'allmulticast', 'on'];
    case 'unset-allmulticast':
      return ['link', 'set', 'dev', operation.name, 'allmulticast', 'off'];
    case 'set-tx-queue-length':
      return ['link', 'set', 'dev', operation.name, 'txqueuelen', `${operation.length}`];
    case 'set-vlan-filtering':
      return ['link', 'set', 'dev', operation.name, 'type', 'bridge', 'vlan_filtering', '1'];
    case 'set-up':
      return ['link', 'set', 'dev', operation.name, 'up'];
    case 'set-port':
      return setPort(operation);
    case 'add-address':
      return addAddress(operation);
    case 'delete-address':
      return ['addr', 'del', formatCidr(operation.address), 'dev', operation.link];
    case 'add-route':
      return addRoute(operation);
    case 'add-host-route':
      return addHostRoute(operation);
    case 'replace-neighbour':
      return replaceNeighbour(operation);
    case 'delete-neighbour':
      return ['neigh', 'del', formatAddress(operation.address), 'dev', operation.link];
    case 'prepend-route':
      return ['route', 'prepend', ...exactRoute(operation)];
    case 'replace-route':
      return ['route', 'replace', ...exactRoute(operation)];
    case 'delete-route':
      return ['route', 'del', ...exactRoute(operation)];
    case 'add-blackhole':
      return ['route', 'add', ...blackhole(operation)];
    case 'delete-blackhole':
      return ['route', 'del', ...blackhole(operation)];
  }
}

function addBridge({ name, mac, mtu, vlanFiltering }: Rendered<'add-bridge'>): string[] {
  const words = ['link', 'add', 'name', name, ...option('mtu', mtu), 'address', mac, 'type', 'bridge'];
  return vlanFiltering ? [...words, 'vlan_filtering', '1'] : words;
}

function addIfb({ name, mtu, mac }: Rendered<'add-ifb'>): string[] {
  return ['link', 'add', 'name', name, 'mtu', `${mtu}`, 'address', mac, 'type', 'ifb'];
}

function addVeth({ name, mac, mtu, group, peer }: Rendered<'add-veth'>): string[] {
  const settings = ['mtu', `${mtu}`, 'address', mac, ...option('group', group)];
  const own = ['link', 'add', 'name', name, ...settings, 'type', 'veth'];
  const far = ['peer', 'name', peer.name, 'mtu', `${mtu}`, 'address', peer.mac];
  return [...own, ...far, ...option('netns', peer.netns)];
}

function addVxlan({ name, mac, mtu, vni, port, local, outer, ...rest }: Rendered<'add-vxlan'>): string[] {
  return [
    ...['link', 'add', 'name', name, 'mtu', `${mtu}`, 'address', mac],
    ...['type', 'vxlan', 'id', `${vni}`, 'dev', outer, 'local', formatAddress(local), 'dstport', `${port}`],
    rest.learning ? 'learning' : 'nolearning',
    ...option('maxaddress', rest.maxAddresses),
  ];
}

function setPort({ name, hairpin, isolated }: Rendered<'set-port'>): string[] {
  const flags = [...(hairpin ? ['hairpin', 'on'] : []), ...(isolated ? ['isolated', 'on'] : [])];
  return ['link', 'set', 'dev', name, 'type', 'bridge_slave', ...flags];
}

/** `replace` because the same address may be there already; `brd +` gives the broadcast address that the reference sets. */
function addAddress({
  link,
  address,
  detectDuplicates,
  scope,
  prefixRoute,
}: Rendered<'add-address' | 'delete-address'>): string[] {
  const isV6 = address.address.family === 6;
  const usual = isV6 ? (detectDuplicates ? [] : ['nodad']) : address.prefixLength < 31 ? ['brd', '+'] : [];
  const flags = [...usual, ...(prefixRoute === 'none' ? ['noprefixroute'] : []), ...option('scope', scope)];
  return ['addr', 'replace', formatCidr(address), ...flags, 'dev', link];
}

/** `prepend`, as the reference does: a container's second network may bring a second default route, which then comes first. */
function addRoute({ link, route }: Rendered<'add-route'>): string[] {
  const via = route.gw === undefined ? [] : ['via', formatAddress(route.gw)];
  const scope = route.scope ?? (route.gw === undefined && route.dst.address.family === 4 ? 253 : undefined);
  return [
    ...['route', 'prepend', formatCidr(route.dst), ...via, 'dev', link],
    ...option('scope', scope),
    ...option('src', route.src === undefined ? undefined : formatAddress(route.src)),
    ...option('mtu', route.mtu),
    ...option('advmss', route.advmss),
    ...option('metric', route.priority),
    ...option('table', route.table),
  ];
}

/** `add` refuses a destination that has a route already, by whatever link: it would be another container's. */
function addHostRoute({ link, dst, scope }: HostRoute): string[] {
  const scoped = dst.address.family === 4 ? ['scope', scope] : [];
  return ['route', 'add', formatCidr(dst), 'dev', link, ...scoped];
}

function replaceNeighbour({ link, address, mac }: Neighbour): string[] {
  return ['neigh', 'replace', formatAddress(address), 'lladdr', mac, 'nud', 'permanent', 'dev', link];
}

function exactRoute({ dst, via, link, isOnLink, metric, protocol }: ExactRoute): string[] {
  return [
    formatCidr(dst),
    ...(via === undefined ? [] : ['via', formatAddress(via)]),
    ...['dev', link],
    ...(isOnLink ? ['onlink'] : []),
    ...(metric === 0 ? [] : ['metric', `${metric}`]),
    // By number: that of Fairlead has no name in /etc/iproute2/rt_protos.
    ...['proto', `${protocol}`],
  ];
}

function blackhole({ dst, metric, protocol }: BlackholeRoute): string[] {
  const words = ['blackhole', formatCidr(dst), ...(metric === 0 ? [] : ['metric', `${metric}`])];
  return [...words, 'proto', `${protocol}`];
}

function bridgeWords(operation: BridgeOperation): string[] {
  switch (operation.kind) {
    case 'add-vlan':
      return ['vlan', 'add', ...vlanOfPort(operation)];
    case 'delete-vlan':
      return ['vlan', 'del', ...vlanOfPort(operation)];
    case 'replace-fdb':
      return ['fdb', 'replace', operation.mac, ...remoteOf(operation)];
    case 'delete-fdb':
      return ['fdb', 'del', operation.mac, ...remoteOf(operation)];
    case 'append-flood':
      // `replace` would leave only the last of the hosts.
      return ['fdb', 'append', floodMac, ...remoteOf(operation)];
    case 'delete-flood':
      return ['fdb', 'del', floodMac, ...remoteOf(operation)];
  }
}

function vlanOfPort({ port, firstId, lastId, untagged }: VlanOperation): string[] {
  const range = firstId === lastId ? `${firstId}` : `${firstId}-${lastId}`;
  return ['dev', port, 'vid', range, ...(untagged ? ['pvid', 'untagged'] : [])];
}

function remoteOf({ device, dst }: FloodEntry): string[] {
  return ['dev', device, 'dst', formatAddress(dst), 'self', 'permanent'];
}

function option(name: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [name, `${value}`];
}
