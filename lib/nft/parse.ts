/** What `nft -j list …` tells of tables of ours. */
export type NftListing = {
  readonly tables: readonly ListedTable[];
  readonly chains: readonly (Listed & { readonly chain: string })[];
  readonly rules: readonly (Listed & { readonly chain: string; readonly comment: string })[];
  /** Sets and maps. */
  readonly sets: readonly (Listed & { readonly set: string })[];
  /** None where the listing is terse. */
  readonly elements: readonly ListedElement[];
};

export type ListedTable = { readonly family: string; readonly name: string };

/** What is in a table. */
type Listed = { readonly table: ListedTable };

export type ListedElement = Listed & {
  readonly set: string;
  /** As nft reads it: names of interfaces in quotes. */
  readonly key: readonly string[];
  /** A map's, its parts joined by dots as nft writes them; empty otherwise. */
  readonly value: string;
  readonly comment: string;
};

/** A listing that tells of nothing. */
export const emptyListing: NftListing = { tables: [], chains: [], rules: [], sets: [], elements: [] };

/**
 * Output of `nft -j list …`, or of a script of several such commands, which prints one document a line. What is not
 * of tables of ours, or not understood, is left out.
 */
export function parseNftListing(text: string): NftListing {
  const objects = listedObjects(text).filter(({ kind, body }) =>
    isOurs(String(body[kind === 'table' ? 'name' : 'table'])),
  );
  const ofKind = (kind: string) => objects.filter((object) => object.kind === kind).map(({ body }) => body);
  const sets = [...ofKind('set'), ...ofKind('map')];
  return {
    tables: ofKind('table').map(({ family, name }) => ({ family: String(family), name: String(name) })),
    chains: ofKind('chain').map((chain) => ({ table: tableOf(chain), chain: String(chain.name) })),
    rules: ofKind('rule').map((rule) => ({
      table: tableOf(rule),
      chain: String(rule.chain),
      comment: String(rule.comment ?? ''),
    })),
    sets: sets.map((set) => ({ table: tableOf(set), set: String(set.name) })),
    elements: sets.flatMap((set) =>
      asList(set.elem).map((element) => ({
        table: tableOf(set),
        set: String(set.name),
        ...toElement(set.map === undefined ? [element] : asList(element), toTypes(set.type)),
      })),
    ),
  };
}

function isOurs(name: string): boolean {
  return name === 'fairlead' || name.startsWith('fairlead_');
}

function tableOf({ family, table }: Body): ListedTable {
  return { family: String(family), name: String(table) };
}

/** Whether two names are of the same table. */
export function isSameTable(one: ListedTable, other: ListedTable): boolean {
  return one.family === other.family && one.name === other.name;
}

/** The comments of one chain's rules, in order; empty where there is no such chain. */
export function ruleComments({ rules }: NftListing, table: ListedTable, chain: string): readonly string[] {
  return rules
    .filter((rule) => isSameTable(rule.table, table) && rule.chain === chain)
    .map(({ comment }) => comment);
}

type Body = Readonly<Record<string, unknown>>;

function listedObjects(text: string): { kind: string; body: Body }[] {
  const documents: unknown[] = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line));
  return documents
    .flatMap((document) => (isBody(document) ? asList(document.nftables) : []))
    .filter(isBody)
    .flatMap((object) => Object.entries(object))
    .flatMap(([kind, body]) => (isBody(body) ? [{ kind, body }] : []));
}

function toTypes(type: unknown): readonly unknown[] {
  return Array.isArray(type) ? type : [type];
}

/** An element with a comment is an object that has its key as `val`. */
function toElement(
  [element, value]: readonly unknown[],
  types: readonly unknown[],
): Pick<ListedElement, 'key' | 'value' | 'comment'> {
  const body = isBody(element) && isBody(element.elem) ? element.elem : { val: element };
  return { key: keyOf(body.val, types), value: textOf(value), comment: String(body.comment ?? '') };
}

/** Parts of a concatenation, a verdict (`goto` with its chain), or one word. */
function textOf(value: unknown): string {
  if (!isBody(value)) return String(value ?? '');
  if ('concat' in value) return asList(value.concat).join(' . ');
  return Object.entries(value)
    .map(([verdict, chain]) => (isBody(chain) ? `${verdict} ${chain.target}` : verdict))
    .join();
}

function keyOf(value: unknown, types: readonly unknown[]): readonly string[] {
  const parts = isBody(value) && 'concat' in value ? asList(value.concat) : [value];
  return parts.map((part, at) => (types[at] === 'ifname' ? `"${part}"` : String(part)));
}

function isBody(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
