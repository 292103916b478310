import { hash64 } from '../../net/hash.ts';
import type { Networks } from './networks.ts';
import { blocksProtocol } from './protocols.ts';
import { block } from './words.ts';

/**
 * A filter of BIRD's. Its name ends with the hash of what it says: BIRD 2.0 takes two sets of networks for the same where
 * one has a network more that lies beside another of it, and then goes on with the routes as they were. Of a filter of
 * another name it knows that it is another.
 */
export type Filter = { readonly name: string; readonly lines: readonly string[] };

/** The filters of one family. */
export type Filters = {
  /** What this host tells others of its own: whole blocks, and a borrowed address once the kernel knows its container. */
  readonly announced: Filter;
  /** What a route reflector tells the other hosts: its own, and what it has heard. */
  readonly reflected: Filter;
  /**
   * What is taken from other hosts: nothing that is this host's, but for the addresses that it has lent, and nothing that
   * takes hosts away.
   */
  readonly learned: Filter;
  /** What is taken from the kernel: of the containers' routes, of which there may be thousands, those to be announced. */
  readonly seen: Filter;
  /** What the kernel gets. */
  readonly installed: Filter;
};

export function filtersOf({ family, blocks, singles, lent, accepted, pools, spared }: Networks): Filters {
  const named = (what: string, statements: readonly string[]) => filter(`${what}${family}`, statements);
  const isBlock = `proto = "${blocksProtocol(family)}"`;
  const own = [`if ${isBlock} then accept;`, ...when(singles, 'accept')];
  const narrower = [...blocks, ...singles].map(andNarrower);
  return {
    announced: named('announced', [...own, 'reject;']),
    reflected: named('reflected', [...own, 'if source = RTS_BGP then accept;', 'reject;']),
    learned: named('learned', [
      ...when(spared.flatMap(andAllAround), 'reject'),
      ...when(lent, 'accept'),
      ...when(narrower, 'reject'),
      ...when(accepted, 'accept'),
      'reject;',
    ]),
    seen: named('seen', [...when(singles, 'accept'), ...when(pools.map(andNarrower), 'reject'), 'accept;']),
    installed: named('installed', [`if source = RTS_BGP || ${isBlock} then accept;`, 'reject;']),
  };
}

function andNarrower(network: string): string {
  return `${network}+`;
}

function andAllAround(network: string): readonly string[] {
  return [`${network}-`, `${network}+`];
}

/** To BIRD a set without elements is a mistake. */
function when(set: readonly string[], verdict: 'accept' | 'reject'): readonly string[] {
  return set.length === 0 ? [] : [`if net ~ [ ${set.join(', ')} ] then ${verdict};`];
}

function filter(what: string, statements: readonly string[]): Filter {
  const name = `${what}_${hash64(statements.join('\n')).slice(0, 8)}`;
  return { name, lines: block(`filter ${name}`, statements) };
}
