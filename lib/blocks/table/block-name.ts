import { formatAddress } from '../../net/address.ts';
import { type Cidr, networkOf, parseCidr } from '../../net/cidr.ts';

/** The last part of a block's key: `10.50.0.64-26`. */
export function renderBlockName({ address, prefixLength }: Cidr): string {
  return `${formatAddress(address)}-${prefixLength}`;
}

/**
 * The block that a key's name stands for; undefined where it is written in any other way than `renderBlockName` does: two
 * keys must not stand for the same block.
 */
export function parseBlockName(name: string): Cidr | undefined {
  const dash = name.lastIndexOf('-');
  const cidr = parseCidr(`${name.slice(0, dash)}/${name.slice(dash + 1)}`);
  return cidr !== undefined && renderBlockName(networkOf(cidr)) === name ? cidr : undefined;
}

/** The name of a block. */
export function nameOf({ cidr }: { readonly cidr: Cidr }): string {
  return renderBlockName(cidr);
}
