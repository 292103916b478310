import { Fields } from '../../cni/fields.ts';
import type { IpAddress } from '../../net/address.ts';
import { type ByFamily, byFamily } from './by-family.ts';
import type { Subnets } from './lease.ts';
import { parsePublicAddress } from './public-address.ts';
import { parseNetworks, parseNode } from './text.ts';

/** A subnet that somebody keeps for a host, which has not yet said how its containers are reached. */
export type Reservation = {
  readonly name: string;
  readonly subnets: Subnets;
  /** By them the host knows its reservation, or by its id. */
  readonly publicAddresses: ByFamily<IpAddress>;
  readonly node: string | undefined;
};

/** A value without a backend; undefined for any other and for what is not understood, on which `parseLease` has the word. */
export function parseReservation(name: string, value: string): Reservation | undefined {
  try {
    const fields = new Fields(JSON.parse(value), '');
    if (fields.raw('BackendType') !== undefined) return undefined;
    const subnets = parseNetworks(name);
    const publicAddresses = byFamily((family) => parsePublicAddress(fields, family));
    const node = parseNode(fields);
    const isForSomebody = node !== undefined || Object.keys(publicAddresses).length > 0;
    return isForSomebody ? { name, subnets, publicAddresses, node } : undefined;
  } catch {
    return undefined;
  }
}
