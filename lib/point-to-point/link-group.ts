import type { PointToPointNetwork } from './kind.ts';

/** Link group of host ends whose containers may send from their own addresses only. */
export const checkedGroup = 76;

/** Link group of the other ones. Apart, so that a network's check does not come to others by being on the same host. */
export const uncheckedGroup = 77;

/** The link group of a network's host ends: by it, rules know them all, and need no element for each. */
export function linkGroupOf({ checksSource }: Pick<PointToPointNetwork, 'checksSource'>): number {
  return checksSource ? checkedGroup : uncheckedGroup;
}
