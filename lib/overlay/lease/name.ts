import { formatAddress } from '../../net/address.ts';
import { type Cidr, everyAddress, parseCidr } from '../../net/cidr.ts';
import { byFamily } from './by-family.ts';
import type { Subnets } from './lease.ts';

/**
 * The last part of a lease's key as Flannel writes it: "10.5.34.0-24", and with both families
 * "10.5.34.0-24&fd00:5:0:1::-64". Flannel always has an IPv4 part, and without IPv4 it is 0.0.0.0-0.
 */
export function renderSubnetName({ 4: v4 = everyAddress(4), 6: v6 }: Subnets): string {
  return v6 === undefined ? renderPart(v4) : `${renderPart(v4)}&${renderPart(v6)}`;
}

function renderPart({ address, prefixLength }: Cidr): string {
  return `${formatAddress(address)}-${prefixLength}`;
}

const twoParts = /^([\d.]+)-(\d+)(?:&([\da-f:.]+)-(\d+))?$/i;

/** The subnets that a name stands for, which may have host bits; undefined where it is no subnet's name. */
export function parseSubnetName(name: string): Subnets | undefined {
  const [, address4, length4, address6, length6] = twoParts.exec(name) ?? [];
  const v4 = parseCidr(`${address4}/${length4}`);
  const v6 = address6 === undefined ? undefined : parseCidr(`${address6}/${length6}`);
  if (v4?.address.family !== 4 || (address6 !== undefined && v6?.address.family !== 6)) return undefined;
  const isNone = v4.prefixLength === 0 && v4.address.bits === 0n;
  if (isNone && v6 === undefined) return undefined;
  return byFamily((family) => (family === 6 ? v6 : isNone ? undefined : v4));
}
