import type { AttachmentId } from '../cni/invocation.ts';
import type { ResultRoute } from '../cni/result.ts';
import type { IpAddress } from '../net/address.ts';
import { type Cidr, everyAddress } from '../net/cidr.ts';
import { hash64 } from '../net/hash.ts';
import { hostVethName, type IfName } from '../net/ifname.ts';
import { deriveMac, type Mac } from '../net/mac.ts';
import { sysctlPath } from '../net/sysctl.ts';
import type { ContainerRoute, Operation, Step, SysctlOperation } from '../plan/operation.ts';

/** The kernel's MTU for a veth where none is configured, in bytes. */
export const defaultMtu = 1500;

/** Both ends of an attachment's veth pair. */
export type VethPair = {
  readonly hostName: IfName;
  readonly hostMac: Mac;
  readonly containerName: IfName;
  readonly containerMac: Mac;
  /** Bytes. */
  readonly mtu: number;
  readonly netns: string;
  /** Link group of the host end; the kernel's usual one where absent. */
  readonly group?: number;
  /** Says on the host end whose it is. */
  readonly alias: string;
};

/** What the veth pair of an attachment is made from. */
export type VethRequest = {
  readonly network: string;
  readonly attachment: AttachmentId & { readonly netns: string };
  /** Bytes. */
  readonly mtu: number;
  /** The container end's; derived where not asked for. */
  readonly mac: Mac | undefined;
  /** Tells this host and boot from others, so that equal container ids on two hosts get different MACs. */
  readonly hostSeed: string;
};

/**
 * Names and MACs of the pair, all derived. The MACs are set explicitly because a MAC that the kernel has drawn is
 * replaced by systemd-networkd's policy, after we have reported it.
 */
export function describeVeth({ network, attachment, mtu, mac, hostSeed }: VethRequest): VethPair {
  const { containerId, ifName, netns } = attachment;
  const hostName = hostVethName(containerId, ifName);
  const seed = `${hostSeed}/${containerId}/${ifName}`;
  return {
    hostName,
    hostMac: deriveMac(`${seed}/host`),
    containerName: ifName,
    containerMac: mac ?? deriveMac(`${seed}/container`),
    mtu,
    netns,
    alias: ownerAlias(network, attachment),
  };
}

/**
 * The alias (IFLA_IFALIAS, at most 255 bytes) that tells whose a host end is. Compared as a whole, never taken apart:
 * a container id that is too long is cut and hashed.
 */
export function ownerAlias(network: string, { containerId, ifName }: AttachmentId): string {
  const alias = `${ownerAliasPrefix(network)}${containerId}/${ifName}`;
  return alias.length <= 250 ? alias : `${alias.slice(0, 230)}~${hash64(alias)}`;
}

/** What all aliases of a network begin with. */
export function ownerAliasPrefix(network: string): string {
  return `fairlead/${network}/`;
}

/** Makes the pair, the container end directly in its namespace. */
export function planVeth(pair: VethPair): readonly Step[] {
  const { hostName, hostMac, containerName, containerMac, mtu, netns, alias, group } = pair;
  return [
    {
      place: 'host',
      operation: {
        kind: 'add-veth',
        name: hostName,
        mac: hostMac,
        mtu,
        ...(group === undefined ? {} : { group }),
        peer: { name: containerName, mac: containerMac, netns },
      },
      undo: { kind: 'delete-link', name: hostName },
    },
    { place: 'host', operation: { kind: 'set-alias', name: hostName, alias } },
  ];
}

/** What the container's interface is to have. */
export type ContainerSide = {
  readonly link: IfName;
  readonly addresses: readonly Cidr[];
  readonly routes: readonly ContainerRoute[];
  /** `none`: the addresses' networks are reached by `routes` alone. */
  readonly prefixRoutes?: 'none';
  /** Whether IPv6 duplicate address detection is left on and waited for. */
  readonly detectDuplicates: boolean;
};

/** How long duplicate address detection may take: probe, answer and what the kernel adds at random. */
const settleTimeoutMs = 5_000;

/**
 * Addresses before `up`, so that the kernel announces them (arp_notify) when the link comes up and neighbours
 * forget who had them before; routes last, because they need a gateway that can be reached.
 */
export function planContainerSide({
  link,
  addresses,
  routes,
  prefixRoutes,
  detectDuplicates,
}: ContainerSide): readonly Step[] {
  const hasV6 = addresses.some(({ address }) => address.family === 6);
  const operations: Operation[] = [
    ...sysctls('ipv4', link, { arp_notify: '1' }),
    ...(hasV6 ? [...sysctls('ipv6', 'lo', { disable_ipv6: '0' }), ...sysctls('ipv6', link, v6Settings)] : []),
    ...addresses.map(
      (address): Operation => ({
        kind: 'add-address',
        link,
        address,
        detectDuplicates,
        ...(prefixRoutes === 'none' ? { prefixRoute: 'none' } : {}),
      }),
    ),
    { kind: 'set-up', name: link },
    ...(hasV6 && detectDuplicates
      ? [{ kind: 'await-addresses', link, timeoutMs: settleTimeoutMs } satisfies Operation]
      : []),
    ...routes.map((route): Operation => ({ kind: 'add-route', link, route })),
  ];
  return operations.map((operation) => ({ place: 'container', operation }));
}

const v6Settings = { disable_ipv6: '0', keep_addr_on_down: '1', ndisc_notify: '1' } as const;

/** Writes below /proc/sys/net for one interface. */
export function sysctls(
  family: 'ipv4' | 'ipv6',
  link: string,
  settings: Readonly<Record<string, string>>,
): readonly SysctlOperation[] {
  return Object.entries(settings).map(([setting, value]) => ({
    kind: 'set-sysctl',
    path: sysctlPath(family, link, setting),
    value,
  }));
}

/** Routes as the kernel gets them: one without a gateway goes by its family's gateway, if there is one. */
export function withGateways(
  routes: readonly ResultRoute[],
  gateways: readonly IpAddress[],
): readonly ResultRoute[] {
  return routes.map((route) => {
    const gw = route.gw ?? gateways.find(({ family }) => family === route.dst.address.family);
    return gw === undefined ? route : { ...route, gw };
  });
}

/** A default route by each gateway whose family has none among the routes. */
export function missingDefaultRoutes(
  routes: readonly ResultRoute[],
  gateways: readonly IpAddress[],
): readonly ResultRoute[] {
  const families = ([4, 6] as const).filter(
    (family) => !routes.some(({ dst }) => dst.prefixLength === 0 && dst.address.family === family),
  );
  return families.flatMap((family) => {
    const gw = gateways.find((gateway) => gateway.family === family);
    return gw === undefined ? [] : [{ dst: everyAddress(family), gw }];
  });
}
