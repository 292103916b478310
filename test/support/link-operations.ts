import { type IpAddress, parseAddress } from '../../lib/net/address.ts';
import { asHost, type Cidr, parseCidr } from '../../lib/net/cidr.ts';
import type { IfName } from '../../lib/net/ifname.ts';
import type { Mac } from '../../lib/net/mac.ts';
import type { IpOperation, Place } from '../../lib/plan/operation.ts';
import type { Random } from './random.ts';

/** Operations of one batch of `ip`. */
export type LinkBatch = {
  readonly place: Place;
  readonly operations: readonly IpOperation[];
  /** Whether it goes on over what fails. */
  readonly goOn?: boolean;
};

const names: Readonly<Record<Place, readonly IfName[]>> = {
  host: ['v0', 'v1', 'v2', 'br0', 'br1', 'lo'] as readonly string[] as readonly IfName[],
  container: ['eth0', 'eth1', 'eth2', 'lo'] as readonly string[] as readonly IfName[],
};
const bridges = ['br0', 'br1'] as readonly string[] as readonly IfName[];
const hosts4 = ['10.1.0.1', '10.1.0.2', '10.1.0.254', '10.2.0.1', '169.254.1.1', '127.0.0.9'];
const hosts6 = ['fd01::1', 'fd01::2', 'fd01::fe', 'fd02::1', 'fe80::9', 'ff02::1'];
const networks4 = ['0.0.0.0/0', '10.1.0.0/24', '10.9.0.0/16', '10.9.1.0/24', '10.2.0.1/32', '10.9.9.9/16'];
const networks6 = ['::/0', 'fd01::/64', 'fd09::/48', 'fd09:0:0:1::/64', 'fd02::1/128', 'fd09::9/48'];

/** How often each is drawn; there is more to be done to a link than there are links. */
const weights: Readonly<Record<Exclude<IpOperation['kind'], 'add-vxlan' | 'set-vlan-filtering'>, number>> = {
  ...{ 'add-bridge': 1, 'add-veth': 4, 'add-ifb': 1, 'delete-link': 1, 'set-mtu': 3, 'set-mac': 4 },
  ...{ 'set-alias': 4, 'set-master': 4, 'unset-master': 2, 'set-port': 3, 'set-up': 8 },
  ...{ 'set-promiscuous': 2, 'unset-promiscuous': 2, 'set-allmulticast': 2, 'unset-allmulticast': 2 },
  ...{
    'set-tx-queue-length': 2,
    'add-address': 12,
    'delete-address': 2,
    'add-route': 8,
    'add-host-route': 3,
  },
  ...{ 'prepend-route': 5, 'replace-route': 5, 'delete-route': 2, 'add-blackhole': 2, 'delete-blackhole': 1 },
  ...{ 'replace-neighbour': 6, 'delete-neighbour': 2 },
};
type DrawnKind = keyof typeof weights;
const kinds = (Object.keys(weights) as DrawnKind[]).flatMap((kind) =>
  Array.from({ length: weights[kind] }, () => kind),
);

/** What a round begins with: two bridges, and three pairs of which all ends are up, whatever there was before. */
export function firstBatches(random: Random, containerPath: string): readonly LinkBatch[] {
  const choice: Choice = { random, place: 'host', containerPath };
  const up = (place: Place) => names[place].map((name): IpOperation => ({ kind: 'set-up', name }));
  const pairs = [0, 1, 2].map((number) => vethPair(number, containerPath, choice));
  const made = bridges.map((name): IpOperation => ({ ...addBridge(random), name }));
  const gone = ['v0', 'v1', 'v2', 'br0', 'br1', 'ifb7'].map(
    (name): IpOperation => ({ kind: 'delete-link', name: name as IfName }),
  );
  return [
    { place: 'host', operations: gone, goOn: true },
    { place: 'host', operations: [...made, ...pairs, ...up('host')] },
    { place: 'container', operations: up('container') },
  ];
}

/** A batch whose fourth operation the kernel refuses. */
export const failingBatch: LinkBatch = {
  place: 'host',
  operations: [
    vethOf('v0' as IfName, 'p0' as IfName),
    { kind: 'set-up', name: 'v0' as IfName },
    { kind: 'set-alias', name: 'v0' as IfName, alias: 'fairlead/net/c1/eth0' },
    { kind: 'set-mtu', name: 'v0' as IfName, mtu: 20 },
    { kind: 'set-up', name: 'p0' as IfName },
  ],
};

/** A batch at random; most of it can be done, the rest names what is not there, is there, or makes no sense. */
export function randomBatch(random: Random, containerPath: string): LinkBatch {
  const place = random.pick<Place>(['host', 'host', 'container']);
  const operations = Array.from({ length: 1 + random.below(5) }, () => {
    const kind = random.pick(kinds);
    return randomOperation(kind, { random, place, containerPath });
  });
  return { place, operations, goOn: random.below(3) === 0 };
}

type Choice = { readonly random: Random; readonly place: Place; readonly containerPath: string };

function randomOperation(kind: DrawnKind, choice: Choice): IpOperation {
  const { random, place } = choice;
  const link = random.pick(names[place]);
  const family = random.pick<4 | 6>([4, 6]);
  const exact = {
    ...{ link, dst: network(random, family), via: optional(random, () => address(random, family)) },
    ...{ isOnLink: random.below(3) === 0, metric: random.pick([0, 0, 5]), protocol: random.pick([76, 4]) },
  };
  const neighbour = { link, address: address(random, family), mac: mac(random) };
  switch (kind) {
    case 'add-veth':
      return addVeth(choice);
    case 'add-bridge':
      return addBridge(random);
    case 'add-ifb':
      return { kind, name: 'ifb7' as IfName, mac: mac(random), mtu: 1400 };
    case 'set-mtu':
      return { kind, name: link, mtu: random.pick([1280, 1400, 1500, 9000, 20]) };
    case 'set-mac':
      return { kind, name: link, mac: mac(random) };
    case 'set-alias':
      return { kind, name: link, alias: `fairlead/net/c${random.below(99)}/eth0` };
    case 'set-master':
      return { kind, name: link, master: random.pick(bridges) };
    case 'set-tx-queue-length':
      return { kind, name: link, length: random.below(2000) };
    case 'set-port':
      return { kind, name: link, hairpin: random.below(2) === 0, isolated: true };
    case 'add-address':
    case 'delete-address':
      return addressOperation(kind, link, { random, family });
    case 'add-route':
      return { kind, link, route: containerRoute(random, family) };
    case 'add-host-route':
      return { kind, link, dst: asHost(address(random, family)), scope: random.pick(['host', 'link']) };
    case 'replace-neighbour':
    case 'delete-neighbour':
      return { kind, ...neighbour };
    case 'prepend-route':
    case 'replace-route':
    case 'delete-route':
      return { kind, ...exact };
    case 'add-blackhole':
    case 'delete-blackhole':
      return { kind, dst: exact.dst, metric: exact.metric, protocol: exact.protocol };
    default:
      return { kind, name: link };
  }
}

function addBridge(random: Random): Extract<IpOperation, { kind: 'add-bridge' }> {
  const settings = { mac: mac(random), mtu: undefined, vlanFiltering: false };
  return { kind: 'add-bridge', name: random.pick(bridges), ...settings };
}

function addVeth(choice: Choice): IpOperation {
  const { random, place, containerPath } = choice;
  const netns = random.below(8) === 0 ? '/gone' : containerPath;
  return vethPair(random.below(3), place === 'host' ? netns : undefined, choice);
}

function vethPair(number: number, netns: string | undefined, { random }: Choice): IpOperation {
  return {
    ...{ kind: 'add-veth', name: `v${number}` as IfName, mac: mac(random), mtu: random.pick([1400, 1500]) },
    ...optionally(
      'group',
      optional(random, () => 76),
    ),
    peer: { name: `eth${number}` as IfName, mac: mac(random), ...optionally('netns', netns) },
  };
}

function addressOperation(
  kind: 'add-address' | 'delete-address',
  link: IfName,
  { random, family }: { random: Random; family: 4 | 6 },
): IpOperation {
  const prefixLength = random.pick(family === 4 ? [24, 16, 30, 31, 32] : [64, 48, 127, 128]);
  return {
    ...{ kind, link, address: { address: address(random, family), prefixLength } },
    detectDuplicates: random.below(2) === 0,
    ...optionally(
      'scope',
      optional(random, () => 'host' as const),
    ),
    ...optionally(
      'prefixRoute',
      optional(random, () => 'none' as const),
    ),
  };
}

function containerRoute(random: Random, family: 4 | 6) {
  const other = random.below(10) === 0 ? (family === 4 ? 6 : 4) : family;
  return {
    dst: network(random, family),
    ...optionally(
      'gw',
      optional(random, () => address(random, other)),
    ),
    ...optionally(
      'src',
      optional(random, () => address(random, family)),
    ),
    ...optionally(
      'mtu',
      optional(random, () => 1300),
    ),
    ...optionally(
      'advmss',
      optional(random, () => 1200),
    ),
    ...optionally(
      'priority',
      optional(random, () => random.pick([0, 7, 4_294_967_295])),
    ),
    ...optionally(
      'table',
      optional(random, () => random.pick([100, 255, 256, 70_000])),
    ),
    ...optionally(
      'scope',
      optional(random, () => random.pick([0, 200, 253])),
    ),
  };
}

/** Three of four times undefined. */
function optional<T>(random: Random, choose: () => T): T | undefined {
  const chosen = choose();
  return random.below(4) === 0 ? chosen : undefined;
}

function vethOf(name: IfName, peer: IfName): IpOperation {
  const [near, far] = ['02:00:00:00:00:01' as Mac, '02:00:00:00:00:02' as Mac];
  return { kind: 'add-veth', name, mac: near, mtu: 1500, peer: { name: peer, mac: far } };
}

function optionally<Key extends string, T>(key: Key, value: T | undefined): { readonly [K in Key]?: T } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [K in Key]: T });
}

function address(random: Random, family: 4 | 6): IpAddress {
  return parseAddress(random.pick(family === 4 ? hosts4 : hosts6)) as IpAddress;
}

function network(random: Random, family: 4 | 6): Cidr {
  return parseCidr(random.pick(family === 4 ? networks4 : networks6)) as Cidr;
}

function mac(random: Random): Mac {
  return `02:00:00:00:00:${(16 + random.below(200)).toString(16)}` as Mac;
}
