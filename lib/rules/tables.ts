import type { NftTable } from '../nft/operation.ts';

/**
 * The table of rules that name no attachment. To list one chain, nft (1.0.6) reads all elements of all sets of its table:
 * what has an element for each attachment is in another one, so that an ADD can look at this one, however many there are.
 */
export const inetTable: NftTable = { family: 'inet', name: 'fairlead' };

/** The table of what crosses a bridge, with elements for each attachment. */
export const bridgeTable: NftTable = { family: 'bridge', name: 'fairlead' };

/** The table of host ports. */
export const portmapTable: NftTable = { family: 'inet', name: 'fairlead_portmap' };

/** The table of who may come in to a container. */
export const firewallTable: NftTable = { family: 'inet', name: 'fairlead_firewall' };

export const allTables: readonly NftTable[] = [inetTable, portmapTable, firewallTable, bridgeTable];
