import { inetTable, isWritten, type MasqueradeChain } from '../masquerade/masquerade.ts';
import { ownedRule } from '../nft/operation.ts';
import type { NftListing } from '../nft/parse.ts';
import type { Step } from '../plan/operation.ts';
import { checkedGroup } from './link-group.ts';

const owner = 'source check';

/**
 * What comes from a container must have a source that the host would send back to the same link: the routes say which
 * addresses a container has, so nothing here names one. IPv6 needs its link-local addresses and, to find out whether one
 * is free, the unspecified one; what has such a source is not forwarded.
 */
export const sourceCheckChain: MasqueradeChain = {
  table: inetTable,
  chain: 'source_check',
  comment: 'containers with point-to-point links send from their own addresses only',
  rules: [
    `iifgroup ${checkedGroup} ip6 saddr { ::, fe80::/10 } return`,
    `iifgroup ${checkedGroup} fib saddr . iif oif missing drop`,
  ].map((text) => ownedRule(owner, text)),
};

/** Writes the chain if it is absent or altered. It is every network's, and stays. */
export function planSourceCheck(listing: NftListing): readonly Step[] {
  if (isWritten(sourceCheckChain, listing)) return [];
  const hook = { type: 'filter', hook: 'prerouting', priority: 'raw' } as const;
  return [{ place: 'host', operation: { kind: 'write-chain', ...sourceCheckChain, ...hook } }];
}
