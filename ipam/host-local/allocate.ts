import { addressAfter, formatAddress, type IpAddress, isSameAddress } from '../../lib/net/address.ts';
import { isGateway, type Range, type RangeSet, rangeOf } from './range.ts';

/**
 * Every address of a range set that may be leased, once, in round-robin order: from the one after
 * `lastReserved`, through all ranges, around to `lastReserved` itself. Gateways are left out.
 * Lazy: an IPv6 range is too long to be listed.
 */
export function* candidates(set: RangeSet, lastReserved: IpAddress | undefined): Generator<IpAddress> {
  for (const { range, from, to } of turnsOf(set, lastReserved)) {
    for (let address = from; address.bits <= to.bits; address = addressAfter(address)) {
      if (!isGateway(range, address)) yield address;
    }
  }
}

/** A part of a range, both ends included; empty where `to` lies before `from`. */
type Turn = { readonly range: Range; readonly from: IpAddress; readonly to: IpAddress };

function turnsOf(set: RangeSet, last: IpAddress | undefined): readonly Turn[] {
  const whole = (range: Range): Turn => ({ range, from: range.start, to: range.end });
  const current = last === undefined ? undefined : rangeOf(set, last);
  if (last === undefined || current === undefined) return set.map(whole);
  const at = set.indexOf(current);
  return [
    { range: current, from: addressAfter(last), to: current.end },
    ...set.slice(at + 1).map(whole),
    ...set.slice(0, at).map(whole),
    { range: current, from: current.start, to: last },
  ];
}

/** Why a requested address cannot be leased whatever the state of the pool, or undefined. */
export function requestProblem(set: RangeSet, address: IpAddress): string | undefined {
  const range = rangeOf(set, address);
  if (range === undefined) return 'lies in none of the ranges';
  return isSameAddress(range.gateway, address)
    ? `is the gateway of ${formatAddress(range.subnet.address)}/${range.subnet.prefixLength}`
    : undefined;
}
