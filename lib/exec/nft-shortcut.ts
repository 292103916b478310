import { encodeNft } from '../nft/encode.ts';
import type { NftOperation } from '../nft/operation.ts';
import type { FindSetTypes } from '../nft/set-types.ts';
import type { HomeNftables } from './home-nftables.ts';

/** What the shortcut needs to be the host's. */
export type NftShortcutParts = {
  readonly nftables: Pick<HomeNftables, 'commit'>;
  readonly findTypes: FindSetTypes;
};

/**
 * Carries out a transaction without a process, where elements are all that it is about.
 * @returns how many of the operations are done: all or none
 */
export function carryOutRules(
  operations: readonly NftOperation[],
  { nftables, findTypes }: NftShortcutParts,
): number {
  if (operations.length === 0) return 0;
  const messages = encodeNft(operations, findTypes);
  return messages !== undefined && nftables.commit(messages) ? operations.length : 0;
}
