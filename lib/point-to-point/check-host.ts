import { forwardedFamilies } from '../attach/forwarding.ts';
import { wrong } from '../errors/wrong.ts';
import type { Machine } from '../exec/machine.ts';
import { listRoutesTo, observeLink } from '../exec/observe.ts';
import type { Link } from '../iproute/parse.ts';
import { formatAddress, type IpAddress, isSameAddress } from '../net/address.ts';
import { asHost, formatCidr } from '../net/cidr.ts';
import type { IfName } from '../net/ifname.ts';
import { gatewayOnHost, type HostEnd, hostSettings, loopback } from './host-side.ts';
import type { PointToPointNetwork } from './kind.ts';
import { linkGroupOf } from './link-group.ts';

/**
 * @returns the host's end
 * @throws CniError code 999 where it is not there, or does not lead to the container's addresses
 */
export function checkHostEnd({ name, wiring, ips }: HostEnd, machine: Machine): Link {
  const link = observeLink(machine, name);
  if (link === undefined) throw wrong(`there is no ${name}, the host end of the container's interface`);
  if (!link.isUp) throw wrong(`${name} is down`);
  if (wiring === 'subnet-gateway')
    requireAddresses(
      link,
      ips.map(({ gateway }) => gateway),
    );
  else
    requireGatewayOnLoopback(
      ips.map(({ gateway }) => gateway),
      machine,
    );
  requireRoutes(
    name,
    ips.map(({ address }) => address.address),
    machine,
  );
  return link;
}

/** @throws CniError code 999 naming the setting that is not as ADD left it */
export function checkHostSettings(end: HostEnd, machine: Machine): void {
  for (const { path, value, ifPresent } of hostSettings(end)) {
    const found = machine.readProc(`/proc/sys/net/${path}`);
    if (found === value || (found === undefined && ifPresent === true)) continue;
    throw wrong(`/proc/sys/net/${path} is ${found ?? 'missing'} instead of ${value}`);
  }
  const forwarded = forwardedFamilies(machine);
  const lost = end.ips.find(({ gateway }) => !forwarded.includes(gateway.family));
  if (lost !== undefined) throw wrong(`the host does not forward IPv${lost.gateway.family}`);
}

/** @throws CniError code 999 where the host's end is not in the group by which rules know it */
export function checkLinkGroup({ name, group }: Link, network: PointToPointNetwork): void {
  const wanted = `${linkGroupOf(network)}`;
  if (group !== wanted) throw wrong(`${name} is in link group ${group ?? 'default'} instead of ${wanted}`);
}

function requireAddresses({ name, addresses }: Link, wanted: readonly IpAddress[]): void {
  const lost = wanted.find((gateway) => !addresses.some(({ address }) => isSameAddress(address, gateway)));
  if (lost !== undefined) throw wrong(`${name} has lost the gateway address ${formatAddress(lost)}`);
}

function requireGatewayOnLoopback(gateways: readonly IpAddress[], machine: Machine): void {
  if (gateways.every(({ family }) => family === 6)) return;
  const { addresses } = observeLink(machine, loopback) ?? { addresses: [] };
  const { address: wanted } = gatewayOnHost;
  if (addresses.some(({ address }) => isSameAddress(address, wanted))) return;
  throw wrong(`${loopback} has lost the gateway address ${formatAddress(wanted)}`);
}

function requireRoutes(link: IfName, addresses: readonly IpAddress[], machine: Machine): void {
  const found = new Set(
    listRoutesTo(machine, link).flatMap(({ dst }) => (dst === undefined ? [] : formatCidr(dst))),
  );
  const lost = addresses.map(asHost).find((dst) => !found.has(formatCidr(dst)));
  if (lost !== undefined) throw wrong(`the host has no route to ${formatCidr(lost)} by ${link}`);
}
