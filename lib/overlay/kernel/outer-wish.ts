import type { Fields } from '../../cni/fields.ts';
import { type Family, type IpAddress, parseAddress } from '../../net/address.ts';
import { type IfName, parseIfName } from '../../net/ifname.ts';
import type { OverlayMode } from './plane.ts';

/** Where flanneld and the agent write what this host has of the overlay. */
export const defaultSubnetFile = '/run/flannel/subnet.env';

/** What an operator says of the way to the other hosts; what is left out is found. */
export type OuterWish = {
  readonly interface: IfName | undefined;
  readonly publicAddresses: Readonly<Partial<Record<Family, IpAddress>>>;
};

const publicFields = { 4: 'publicIP', 6: 'publicIPv6' } as const;

/**
 * The fields `interface`, `publicIP` and `publicIPv6`.
 * @throws CniError code 7
 */
export function parseOuterWish(fields: Fields): OuterWish {
  const [v4, v6] = [parsePublicAddress(fields, 4), parsePublicAddress(fields, 6)];
  return {
    interface: fields.parsed('interface', 'the name of an interface', parseIfName),
    publicAddresses: { ...(v4 === undefined ? {} : { 4: v4 }), ...(v6 === undefined ? {} : { 6: v6 }) },
  };
}

/**
 * `publicIP` or `publicIPv6`; undefined where it is not stated.
 * @throws CniError code 7
 */
export function parsePublicAddress(fields: Fields, family: Family): IpAddress | undefined {
  return fields.parsed(publicFields[family], `an IPv${family} address`, (text) => {
    const address = parseAddress(text);
    return address?.family === family ? address : undefined;
  });
}

/**
 * The field `mode`.
 * @throws CniError code 7
 */
export function parseMode(fields: Fields): OverlayMode {
  const mode = fields.parsed('mode', '"l3" or "l2"', (text) =>
    text === 'l3' || text === 'l2' ? text : undefined,
  );
  return mode ?? 'l3';
}
