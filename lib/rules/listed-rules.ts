import type { NftElement } from '../nft/operation.ts';
import type { ListedElement, ListedTable, NftListing } from '../nft/parse.ts';
import { identify, type OwnRule, type Rules, type SharedRule } from './rules.ts';

/** What a listing with elements has, by name: it is compared with the rules of all attachments, which may be thousands. */
export class ListedRules {
  readonly #sets: ReadonlySet<string>;
  /** The comments of the rules of each chain. */
  readonly #chains: ReadonlyMap<string, readonly string[]>;
  readonly #elements: ReadonlyMap<string, ListedElement>;

  constructor({ sets, chains, rules, elements }: Omit<NftListing, 'tables'>) {
    const comments = Map.groupBy(rules, ({ table, chain }) => within(table, chain));
    this.#sets = new Set(sets.map(({ table, set }) => within(table, set)));
    this.#chains = new Map(
      chains
        .map(({ table, chain }) => within(table, chain))
        .map((name) => [name, (comments.get(name) ?? []).map(({ comment }) => comment)]),
    );
    this.#elements = new Map(elements.map((element) => [identify(element), element]));
  }

  /** Whether it is there as it is to be. */
  has(rule: SharedRule | OwnRule): boolean {
    switch (rule.kind) {
      case 'add-set':
        return this.#sets.has(within(rule.table, rule.set));
      case 'write-chain': {
        const found = this.#chains.get(within(rule.table, rule.chain));
        const { rules } = rule;
        return found?.length === rules.length && rules.every(({ comment }, at) => comment === found[at]);
      }
      case 'remove-element':
        return !this.#elements.has(identify(rule));
      default:
        return this.#elements.get(identify(rule))?.value === (rule.value ?? []).join(' . ');
    }
  }

  /** What is not there as it is to be; of an attachment's own rules what is another's by now, too. */
  missing({ shared, own }: Rules): readonly (SharedRule | OwnRule)[] {
    return [
      ...shared.filter((rule) => !this.has(rule)),
      ...own.filter((rule) => !this.has(rule) || !this.hasOwn(rule)),
    ];
  }

  /** Whether it is there and this owner's: another attachment may have the same key by now. */
  hasOwn(rule: OwnRule): boolean {
    if (rule.kind === 'write-chain') return this.#chains.has(within(rule.table, rule.chain));
    return this.holderOf(rule) === (rule.comment ?? '');
  }

  /** The comment of an element; undefined where there is none with that key. */
  holderOf(element: NftElement): string | undefined {
    return this.#elements.get(identify(element))?.comment;
  }
}

function within({ family, name }: ListedTable, what: string): string {
  return `${family} ${name} ${what}`;
}
