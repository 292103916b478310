import type { ResultIp } from '../cni/result.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import type { Family, IpAddress } from '../net/address.ts';
import { asHost, formatCidr } from '../net/cidr.ts';
import type { Mac } from '../net/mac.ts';
import type { Wiring } from './kind.ts';

/** What every `routed` container has for its gateway, on a link that it shares with its host alone. */
export const linkLocalGateways: Readonly<Record<Family, IpAddress>> = {
  4: { family: 4, bits: 0xa9fe0101n },
  6: { family: 6, bits: 0xfe80_0000_0000_0000_ecee_eeff_feee_eeeen },
};

/** The MAC of every host end of `routed`, from which the kernel makes the IPv6 gateway (EUI-64, RFC 4291, appendix A). */
export const gatewayMac = 'ee:ee:ee:ee:ee:ee' as Mac;

/** An address of a container with the gateway that it has by the wiring. */
export type GatewayedIp = ResultIp & { readonly gateway: IpAddress };

/**
 * The container's addresses as the wiring has them: as IPAM gave them, or without a network.
 * @throws CniError code 7 for an address without the gateway that its wiring needs
 */
export function wireAddresses(wiring: Wiring, leased: readonly ResultIp[]): readonly GatewayedIp[] {
  return leased.map((ip) => {
    const { address } = ip.address;
    if (wiring === 'link-local-gateway')
      return { address: asHost(address), gateway: linkLocalGateways[address.family], interface: 1 };
    if (ip.gateway !== undefined) return { ...ip, gateway: ip.gateway, interface: 1 };
    throw new CniError(
      ErrorCode.invalidConfig,
      `ipam: gave ${formatCidr(ip.address)} without a gateway, which a point-to-point link needs; configure one there`,
    );
  });
}
