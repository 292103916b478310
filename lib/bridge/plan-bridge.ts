import { sysctls } from '../attach/endpoint.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import type { Link } from '../iproute/parse.ts';
import { isSameAddress } from '../net/address.ts';
import { type Cidr, cidrContains, formatCidr } from '../net/cidr.ts';
import type { IfName } from '../net/ifname.ts';
import type { Mac } from '../net/mac.ts';
import type { IpOperation, Operation, Step } from '../plan/operation.ts';

/** A bridge as a network wants it. */
export type BridgeWish = {
  readonly name: IfName;
  /** Given to a bridge that we create. Set explicitly, or the bridge would follow its lowest port and ARP stall. */
  readonly mac: Mac;
  /** Bytes, given to a bridge that we create; the kernel's default where undefined. */
  readonly mtu: number | undefined;
  readonly promiscuous: boolean;
  readonly vlanFiltering: boolean;
  /** Says whose a bridge that we create is; `network rm` removes only such. */
  readonly alias: string;
};

/**
 * What the bridge lacks. A bridge that we create goes again when a later step fails and nobody has joined;
 * what is changed on one that was there stays, since others may rely on it by then.
 * @throws CniError code 7 where something else than a bridge has the name
 */
export function planBridge(wish: BridgeWish, found: Link | undefined): readonly Step[] {
  const { name, promiscuous, vlanFiltering } = wish;
  if (found !== undefined && found.kind !== 'bridge') throw notABridge(found);
  const operations: Operation[] = [
    ...(found !== undefined && vlanFiltering && !found.vlanFiltering
      ? [{ kind: 'set-vlan-filtering', name } as const]
      : []),
    ...(promiscuous && found?.isPromiscuous !== true ? [{ kind: 'set-promiscuous', name } as const] : []),
    ...(found?.isUp === true ? [] : [{ kind: 'set-up', name } as const]),
  ];
  return [...(found === undefined ? planCreation(wish) : []), ...onHost(operations)];
}

/**
 * The bridge does not listen to router advertisements: a container must not be able to configure the host. Nobody
 * else can have its link-local address, made from a MAC of its own, and waiting for that would keep an IPv6 gateway
 * out of reach for 2 s.
 */
function planCreation({ name, mac, mtu, vlanFiltering, alias }: BridgeWish): readonly Step[] {
  return [
    {
      place: 'host',
      operation: { kind: 'add-bridge', name, mac, mtu, vlanFiltering },
      undo: { kind: 'delete-unused-bridge', name },
    },
    ...onHost([{ kind: 'set-alias', name, alias }]),
    ...onHost(
      sysctls('ipv6', name, { accept_ra: '0', accept_dad: '0' }).map((setting) => ({
        ...setting,
        ifPresent: true,
      })),
    ),
  ];
}

/** Whose a bridge of ours is, as its alias says. */
export function networkAlias(network: string): string {
  return `fairlead/network/${network}`;
}

/** The gateway addresses that an interface of the host is to have. */
export type GatewayWish = {
  readonly link: IfName;
  readonly gateways: readonly Cidr[];
  /** Whether an address in the way is removed instead of refused. */
  readonly force: boolean;
  /** The MAC of a bridge that others have made, to be kept: it would follow the lowest of its ports. */
  readonly pin: Mac | undefined;
};

/**
 * The gateway addresses that are missing. Another IPv4 address, or an IPv6 one of an overlapping network, is then in the
 * way (it belongs to another network's idea of this bridge).
 * @throws CniError code 999 for an address in the way, unless forced
 */
export function planGateways(
  { link, gateways, force, pin }: GatewayWish,
  found: readonly Cidr[],
): readonly Step[] {
  const missing = gateways.filter((gateway) => !isAmong(gateway, found));
  if (missing.length === 0) return [];
  const inTheWay = found.filter(
    (address) => missing.some((gateway) => clashes(address, gateway)) && !isAmong(address, gateways),
  );
  const [first] = inTheWay;
  if (first !== undefined && !force) throw addressInTheWay(link, first, gateways);
  return onHost([
    ...(pin === undefined ? [] : [{ kind: 'set-mac', name: link, mac: pin } as const]),
    ...inTheWay.map(
      (address) => ({ kind: 'delete-address', link, address, detectDuplicates: false }) as const,
    ),
    ...missing.map((address) => ({ kind: 'add-address', link, address, detectDuplicates: false }) as const),
  ]);
}

function addressInTheWay(link: IfName, address: Cidr, gateways: readonly Cidr[]): CniError {
  return new CniError(
    ErrorCode.internal,
    `bridge ${link} has ${formatCidr(address)}, which is not the gateway of this network (${gateways.map(formatCidr).join(', ')}); ` +
      'use another bridge, remove the address, or set forceAddress',
  );
}

function clashes(found: Cidr, wanted: Cidr): boolean {
  if (found.address.family !== wanted.address.family) return false;
  return (
    found.address.family === 4 || cidrContains(found, wanted.address) || cidrContains(wanted, found.address)
  );
}

function isAmong(address: Cidr, list: readonly Cidr[]): boolean {
  return list.some(
    (other) => other.prefixLength === address.prefixLength && isSameAddress(other.address, address.address),
  );
}

/** VLANs of a bridge port. */
export type PortVlans = {
  /** The untagged VLAN, 1-4094. */
  readonly untagged: number | undefined;
  readonly tagged: readonly { readonly firstId: number; readonly lastId: number }[];
  /** Whether VLAN 1, which the kernel gives every port, is kept. */
  readonly keepDefault: boolean;
};

/** A bridge's port as an attachment wants it. */
export type PortWish = {
  readonly name: IfName;
  readonly bridge: IfName;
  readonly hairpin: boolean;
  readonly isolated: boolean;
  readonly vlans: PortVlans;
};

/** Joins the port to its bridge. Nothing to undo: it goes with the link. */
export function planPort({ name, bridge, hairpin, isolated, vlans }: PortWish): readonly Step[] {
  const operations: IpOperation[] = [
    { kind: 'set-master', name, master: bridge },
    ...(hairpin || isolated ? [{ kind: 'set-port', name, hairpin, isolated } as const] : []),
    { kind: 'set-up', name },
  ];
  return onHost([...operations, ...planVlans(name, vlans)]);
}

function planVlans(port: IfName, { untagged, tagged, keepDefault }: PortVlans): readonly Operation[] {
  if (untagged === undefined && tagged.length === 0) return [];
  const vlan = (
    kind: 'add-vlan' | 'delete-vlan',
    firstId: number,
    lastId: number,
    isUntagged: boolean,
  ): Operation => ({
    kind,
    port,
    firstId,
    lastId,
    untagged: isUntagged,
  });
  return [
    ...(keepDefault ? [] : [vlan('delete-vlan', 1, 1, false)]),
    ...(untagged === undefined ? [] : [vlan('add-vlan', untagged, untagged, true)]),
    ...tagged.map(({ firstId, lastId }) => vlan('add-vlan', firstId, lastId, false)),
  ];
}

function onHost(operations: readonly Operation[]): readonly Step[] {
  return operations.map((operation) => ({ place: 'host', operation }));
}

function notABridge({ name, kind }: Link): CniError {
  return new CniError(
    ErrorCode.invalidConfig,
    `bridge: ${name} exists and is ${kind === '' ? 'a physical link' : `of kind ${kind}`}; name another bridge or rename that link`,
  );
}
