import { parseAddress } from '../../lib/net/address.ts';
import { parseCidr } from '../../lib/net/cidr.ts';
import type { IfName } from '../../lib/net/ifname.ts';
import type { Mac } from '../../lib/net/mac.ts';
import type { IpOperation } from '../../lib/plan/operation.ts';

const name = (text: string) => text as IfName;
const address = (text: string) => parseAddress(text) ?? failed(text);
const cidr = (text: string) => parseCidr(text) ?? failed(text);
const mac = (last: string) => `02:00:00:00:00:${last}` as Mac;
const link = name('v0');
const exact = { link, via: undefined, isOnLink: false, metric: 0, protocol: 76 };

/** Every operation that has a message of ours, in each of its shapes; none changes which number a link has. */
export const everyLinkOperation: readonly IpOperation[] = [
  { kind: 'add-veth', name: name('v1'), mac: mac('01'), mtu: 1400, group: 76, peer: peer('eth1') },
  { kind: 'add-veth', name: name('v22'), mac: mac('03'), mtu: 9000, peer: peer('eth22') },
  { kind: 'add-ifb', name: name('ifb7'), mac: mac('04'), mtu: 1400 },
  { kind: 'set-mac', name: link, mac: mac('05') },
  { kind: 'set-mtu', name: link, mtu: 1300 },
  { kind: 'set-alias', name: link, alias: 'fairlead/net/c1/eth0' },
  { kind: 'set-master', name: link, master: name('br0') },
  { kind: 'set-port', name: link, hairpin: false, isolated: false },
  { kind: 'set-port', name: link, hairpin: true, isolated: false },
  { kind: 'set-port', name: link, hairpin: false, isolated: true },
  { kind: 'set-port', name: link, hairpin: true, isolated: true },
  { kind: 'unset-master', name: link },
  { kind: 'set-up', name: link },
  { kind: 'set-promiscuous', name: link },
  { kind: 'unset-promiscuous', name: link },
  { kind: 'set-allmulticast', name: link },
  { kind: 'unset-allmulticast', name: link },
  { kind: 'set-tx-queue-length', name: link, length: 77 },
  ...['10.1.0.1/24', '10.2.0.1/30', '10.3.0.1/31', '10.4.0.1/32', '127.0.0.9/8', 'fd01::1/64'].flatMap(
    addresses,
  ),
  { kind: 'add-route', link, route: { dst: cidr('0.0.0.0/0'), gw: address('10.1.0.2') } },
  { kind: 'add-route', link, route: { dst: cidr('10.9.0.0/16') } },
  { kind: 'add-route', link, route: { dst: cidr('10.9.0.0/17'), scope: 200, table: 100 } },
  { kind: 'add-route', link, route: { dst: cidr('10.9.0.0/18'), mtu: 1300, table: 70_000 } },
  {
    kind: 'add-route',
    link,
    route: { dst: cidr('10.9.0.0/19'), gw: address('10.1.0.2'), ...settings('10.1.0.1') },
  },
  { kind: 'add-route', link, route: { dst: cidr('::/0'), gw: address('fd01::2'), ...settings('fd01::1') } },
  { kind: 'add-route', link, route: { dst: cidr('fd09::/48'), priority: 0 } },
  { kind: 'add-host-route', link, dst: cidr('10.5.0.2/32'), scope: 'link' },
  { kind: 'add-host-route', link, dst: cidr('10.5.0.3/32'), scope: 'host' },
  { kind: 'add-host-route', link, dst: cidr('fd05::2/128'), scope: 'link' },
  ...(['prepend-route', 'replace-route', 'delete-route'] as const).flatMap((kind): IpOperation[] => [
    { kind, ...exact, dst: cidr('10.6.0.0/24') },
    { kind, ...exact, dst: cidr('10.6.1.0/24'), via: address('10.99.0.1'), isOnLink: true, metric: 3 },
    { kind, ...exact, dst: cidr('fd06::/64') },
    { kind, ...exact, dst: cidr('fd06:1::/64'), via: address('fd99::1'), isOnLink: true, metric: 3 },
  ]),
  ...(['add-blackhole', 'delete-blackhole'] as const).flatMap((kind): IpOperation[] => [
    { kind, dst: cidr('10.7.0.0/24'), metric: 0, protocol: 76 },
    { kind, dst: cidr('fd07::/64'), metric: 4, protocol: 76 },
  ]),
  ...(['replace-neighbour', 'delete-neighbour'] as const).flatMap((kind): IpOperation[] => [
    { kind, link, address: address('10.1.0.9'), mac: mac('09') },
    { kind, link, address: address('fd01::9'), mac: mac('09') },
  ]),
  { kind: 'delete-link', name: link },
];

function peer(text: string): Extract<IpOperation, { kind: 'add-veth' }>['peer'] {
  return { name: name(text), mac: mac('02') };
}

function addresses(text: string): IpOperation[] {
  const common = { link, address: cidr(text) };
  return [
    { kind: 'add-address', ...common, detectDuplicates: false },
    { kind: 'add-address', ...common, detectDuplicates: true, scope: 'host' },
    { kind: 'add-address', ...common, detectDuplicates: false, prefixRoute: 'none' },
    { kind: 'delete-address', ...common, detectDuplicates: false },
  ];
}

function settings(source: string) {
  return { src: address(source), mtu: 1300, advmss: 1200, priority: 7, table: 300 };
}

function failed(text: string): never {
  throw new Error(`neither address nor network: ${text}`);
}
