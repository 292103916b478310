import type { NftTable } from '../nft/operation.ts';

/** The table of everything that is routed. */
export const inetTable: NftTable = { family: 'inet', name: 'fairlead' };

/** The table of what crosses a bridge. */
export const bridgeTable: NftTable = { family: 'bridge', name: 'fairlead' };
