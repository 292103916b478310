import { CniError, ErrorCode } from '../../errors/cni-error.ts';
import { type Family, formatAddress, type IpAddress } from '../../net/address.ts';
import { deriveMac, type Mac } from '../../net/mac.ts';

/** What VXLAN puts around a packet: the inner Ethernet header (14), VXLAN (8), UDP (8) and the outer IP header. */
const overheads = { 4: 14 + 8 + 8 + 20, 6: 14 + 8 + 8 + 40 } as const;

/** The least that a link of the family must carry: RFC 8200, section 5; RFC 791, page 25. */
const leasts = { 4: 576, 6: 1280 } as const;

/**
 * The MTU of a VXLAN device, in bytes.
 * @param outerMtu of the underlay's interface, in bytes
 * @param family of the underlay
 * @throws CniError code 7 where what is left is too small for IP
 */
export function overlayMtu(outerMtu: number, family: Family): number {
  const mtu = outerMtu - overheads[family];
  if (mtu >= leasts[family]) return mtu;
  throw new CniError(
    ErrorCode.invalidConfig,
    `an underlay with an MTU of ${outerMtu} leaves ${mtu} bytes to an overlay over IPv${family}, which needs ${leasts[family]}: ` +
      `raise the MTU of the underlay's interface to ${leasts[family] + overheads[family]} or more`,
  );
}

/**
 * The MAC of a host's VXLAN device. Made of what all hosts know of each other, so that hosts with a fixed list of peers
 * need not be told it; and it stays over a restart of the host, so that nobody has an old one.
 */
export function vtepMac(vni: number, publicAddress: IpAddress): Mac {
  return deriveMac(`vtep/${vni}/${formatAddress(publicAddress)}`);
}
