import { type Cidr, formatCidr } from '../net/cidr.ts';
import { ownedRule, type WriteChain } from '../nft/operation.ts';
import { inetTable } from '../rules/tables.ts';
import { masqueradeHook } from './masquerade.ts';

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
      const [protocol, multicast] = source.address.family === 4 ? ['ip', '224.0.0.0/4'] : ['ip6', 'ff00::/8'];
      const inside = [...insideOf(source).map(formatCidr), multicast].join(', ');
      const match = `${protocol} saddr ${formatCidr(source)} ${protocol} daddr != { ${inside} }`;
      return ownedRule(owner, `${match} masquerade`);
    }),
  };
}
