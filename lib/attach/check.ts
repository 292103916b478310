import type { Attachment } from '../cni/invocation.ts';
import type { Result, ResultRoute } from '../cni/result.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { wrong } from '../errors/wrong.ts';
import type { Machine } from '../exec/machine.ts';
import { listRoutes, observeLink } from '../exec/observe.ts';
import type { KernelRoute, Link } from '../iproute/parse.ts';
import { formatAddress, isSameAddress } from '../net/address.ts';
import { type Cidr, formatCidr } from '../net/cidr.ts';

/**
 * Whether the container's interface is as the previous result says: there, up, with the MAC, the addresses and the
 * routes. What a later plugin of the chain has added is no fault.
 * @throws CniError code 999 naming the first difference
 */
export function checkContainerSide(attachment: Attachment, prevResult: Result, machine: Machine): void {
  const { ifName, netns } = attachment;
  const { link, routes } = machine.inNetns(netns, () => ({
    link: observeLink(machine, ifName),
    routes: listRoutes(machine),
  }));
  if (link === undefined) throw differs(attachment, 'does not exist');
  if (!link.isUp) throw differs(attachment, 'is down');
  checkMac(attachment, prevResult, link);
  checkAddresses(attachment, prevResult, link);
  for (const route of prevResult.routes) {
    if (!routes.some((found) => isSameRoute(found, route))) {
      throw differs(attachment, `has no route to ${formatCidr(route.dst)}`);
    }
  }
}

function checkMac(attachment: Attachment, { interfaces }: Result, link: Link): void {
  const stated = interfaces.find(({ name, sandbox }) => name === attachment.ifName && (sandbox ?? '') !== '');
  if (interfaces.length > 0 && stated === undefined) {
    throw new CniError(
      ErrorCode.invalidConfig,
      `prevResult.interfaces: names no ${attachment.ifName} in the container`,
    );
  }
  if (stated?.mac === undefined || stated.mac.toLowerCase() === link.mac) return;
  throw differs(attachment, `has the MAC ${link.mac} instead of ${stated.mac}`);
}

function checkAddresses(attachment: Attachment, { ips }: Result, link: Link): void {
  const missing = ips.find(({ address }) => !link.addresses.some((found) => isSameCidr(found, address)));
  if (missing !== undefined) throw differs(attachment, `has lost the address ${formatCidr(missing.address)}`);
}

function isSameCidr(one: Cidr, other: Cidr): boolean {
  return one.prefixLength === other.prefixLength && isSameAddress(one.address, other.address);
}

function isSameRoute(found: KernelRoute, { dst, gw }: ResultRoute): boolean {
  if (found.dst === undefined || !isSameCidr(found.dst, dst)) return false;
  return gw === undefined || found.gateway === undefined || found.gateway === formatAddress(gw);
}

function differs({ ifName, containerId }: Attachment, how: string): CniError {
  return wrong(`${ifName} of container ${containerId} ${how}`);
}
