import { type Family, widthOf } from '../../net/address.ts';
import { asHost, type Cidr, formatCidr, networkOf } from '../../net/cidr.ts';
import type { BirdWish } from './wish.ts';

/** What a wish has of one family, as BIRD writes networks and sets of them. */
export type Networks = {
  readonly family: Family;
  /** Of this host. */
  readonly blocks: readonly string[];
  /** Of this host: borrowed addresses, and blocks of one address. */
  readonly singles: readonly string[];
  readonly lent: readonly string[];
  readonly accepted: readonly string[];
  readonly pools: readonly string[];
  /** Of the underlay. */
  readonly spared: readonly string[];
};

/** In an order that does not depend on that of the keys: what is the same has the same text. */
export function networksOf(wish: BirdWish, family: Family): Networks {
  const own = ofFamily(wish.own, family);
  const isSingle = ({ prefixLength }: Cidr) => prefixLength === widthOf(family);
  return {
    family,
    blocks: own.filter((cidr) => !isSingle(cidr)).map(formatCidr),
    singles: own.filter(isSingle).map(formatCidr),
    lent: ofFamily(wish.lent.map(asHost), family).map(formatCidr),
    accepted: wish.accepted
      .filter(({ network }) => network.address.family === family)
      .map(({ network, length }) => `${formatCidr(network)}{${length},${length}}`),
    pools: ofFamily(wish.pools, family).map(formatCidr),
    spared: ofFamily(wish.spared, family).map(formatCidr),
  };
}

function ofFamily(cidrs: readonly Cidr[], family: Family): readonly Cidr[] {
  return cidrs
    .filter(({ address }) => address.family === family)
    .map(networkOf)
    .toSorted((one, other) => (textOf(one) < textOf(other) ? -1 : 1));
}

function textOf({ address, prefixLength }: Cidr): string {
  return `${address.bits.toString(16).padStart(32, '0')} ${prefixLength}`;
}
