import { protocolOf } from '../net/address.ts';
import { type Cidr, formatCidr } from '../net/cidr.ts';
import { ownedRule, type WriteChain } from '../nft/operation.ts';
import { inetTable } from '../rules/tables.ts';
import { masqueradeHook, multicast } from './masquerade.ts';

/** Who gets the host's address when it leaves: known by its address, whatever has attached it. */
export type SourceMasquerade = {
  /** The name of the chain, which stays the same when what is in it changes. */
  readonly chain: string;
  /** Who the chain belongs to, for people. */
  readonly owner: string;
  readonly sources: readonly Cidr[];
  /** Where each source shows its own address: without networks within others. */
  readonly insideOf: (source: Cidr) => readonly Cidr[];
};

/** The chain of an agent's masquerade, which it keeps as a whole. What comes from outside keeps its source. */
export function masqueradeBySource({ chain, owner, sources, insideOf }: SourceMasquerade): WriteChain {
  return {
    kind: 'write-chain',
    table: inetTable,
    hook: masqueradeHook,
    chain,
    comment: owner,
    rules: sources.map((source) => {
      const { family } = source.address;
      const protocol = protocolOf(family);
      const inside = [...insideOf(source).map(formatCidr), multicast[family]].join(', ');
      const match = `${protocol} saddr ${formatCidr(source)} ${protocol} daddr != { ${inside} }`;
      return ownedRule(owner, `${match} masquerade`);
    }),
  };
}
