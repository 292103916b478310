import type { WriteChain } from '../nft/operation.ts';
import type { NftListing } from '../nft/parse.ts';
import type { Step } from '../plan/operation.ts';
import { planRules } from './rules.ts';

/** Writes a chain that an agent keeps as a whole, unless it stands already. */
export function planChain(chain: WriteChain, listing: NftListing): readonly Step[] {
  return planRules({ shared: [chain], own: [] }, { listing, writtenBefore: new Set() });
}
