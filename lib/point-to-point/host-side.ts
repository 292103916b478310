import { sysctls } from '../attach/endpoint.ts';
import type { Family } from '../net/address.ts';
import { asHost } from '../net/cidr.ts';
import type { IfName } from '../net/ifname.ts';
import type { IpOperation, SysctlOperation } from '../plan/operation.ts';
import { type GatewayedIp, linkLocalGateways } from './gateway.ts';
import type { Wiring } from './kind.ts';

/** The interface of the host that has the IPv4 gateway of `routed`. */
export const loopback = 'lo' as IfName;

/** IPv4's gateway of `routed` as the host has it: with it, ARP is answered also where no route of the host covers it. */
export const gatewayOnHost = asHost(linkLocalGateways[4]);

/** What the host's end of a link has. */
export type HostEnd = {
  readonly name: IfName;
  readonly wiring: Wiring;
  readonly ips: readonly GatewayedIp[];
};

/** What `ip` does for the host's end once the pair is there. Its undo is that of the link. */
export function planHostEnd({ name, wiring, ips }: HostEnd): readonly IpOperation[] {
  const setUp: IpOperation = { kind: 'set-up', name };
  return wiring === 'subnet-gateway'
    ? [...gatewaysOf(name, ips), setUp, ...routesTo(name, ips, 'host')]
    : [setUp, ...routesTo(name, ips, 'link'), ...gatewayOfAll(ips)];
}

/**
 * Settings of the host's end. Written before the container's end comes up, and so before the kernel makes a link-local
 * address for it. The host takes no router advertisements: a container must not configure it. Nobody else is on the link,
 * so nobody else can have the address, and the gateway need not wait 2 s to find that out.
 */
export function hostSettings({ name, wiring, ips }: HostEnd): readonly SysctlOperation[] {
  const families = new Set(ips.map(({ address }) => address.address.family));
  const always = sysctls('ipv6', name, { accept_ra: '0', accept_dad: '0' });
  const settings =
    wiring === 'subnet-gateway' ? [] : [...families].flatMap((family) => routedSettings(name, family));
  return [...settings, ...always.map((setting) => ({ ...setting, ifPresent: true }))];
}

function routedSettings(name: IfName, family: Family): readonly SysctlOperation[] {
  if (family === 6) return sysctls('ipv6', name, { addr_gen_mode: '0', proxy_ndp: '1', forwarding: '1' });
  return [
    ...sysctls('ipv4', name, { proxy_arp: '1', forwarding: '1', rp_filter: '1' }),
    { kind: 'set-sysctl', path: `ipv4/neigh/${name}/proxy_delay`, value: '0' },
  ];
}

function gatewaysOf(link: IfName, ips: readonly GatewayedIp[]): readonly IpOperation[] {
  return ips.map(({ gateway }) => ({
    kind: 'add-address',
    link,
    address: asHost(gateway),
    detectDuplicates: false,
  }));
}

function routesTo(link: IfName, ips: readonly GatewayedIp[], scope: 'host' | 'link'): readonly IpOperation[] {
  return ips.map(({ address }) => ({ kind: 'add-host-route', link, dst: asHost(address.address), scope }));
}

/** On the loopback interface, and of its scope: the host itself never sends from it but in answer. */
function gatewayOfAll(ips: readonly GatewayedIp[]): readonly IpOperation[] {
  if (ips.every(({ address }) => address.address.family === 6)) return [];
  const address = gatewayOnHost;
  return [{ kind: 'add-address', link: loopback, address, detectDuplicates: false, scope: 'host' }];
}
