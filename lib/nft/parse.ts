/** What `nft -j list …` tells of tables of ours. */
export type NftListing = {
  readonly tables: readonly { readonly family: string }[];
  readonly chains: readonly { readonly family: string; readonly chain: string }[];
  readonly rules: readonly { readonly family: string; readonly chain: string; readonly comment: string }[];
  readonly elements: readonly {
    readonly family: string;
    readonly set: string;
    readonly key: readonly string[];
  }[];
};

/**
 * Output of `nft -j list …`, or of a script of several such commands, which prints one document a line. What is not
 * of table `fairlead`, or not understood, is left out.
 */
export function parseNftListing(text: string): NftListing {
  const objects = listedObjects(text).filter(
    ({ kind, body }) => body[kind === 'table' ? 'name' : 'table'] === 'fairlead',
  );
  const ofKind = (kind: string) => objects.filter((object) => object.kind === kind).map(({ body }) => body);
  return {
    tables: ofKind('table').map(({ family }) => ({ family: String(family) })),
    chains: ofKind('chain').map((chain) => ({ family: String(chain.family), chain: String(chain.name) })),
    rules: ofKind('rule').map((rule) => ({
      family: String(rule.family),
      chain: String(rule.chain),
      comment: String(rule.comment ?? ''),
    })),
    elements: ofKind('set').flatMap((set) =>
      asList(set.elem).map((element) => ({
        family: String(set.family),
        set: String(set.name),
        key: keyOf(element),
      })),
    ),
  };
}

/** The comments of one chain's rules, in order; empty where there is no such chain. */
export function ruleComments({ rules }: NftListing, family: string, chain: string): readonly string[] {
  return rules.filter((rule) => rule.family === family && rule.chain === chain).map(({ comment }) => comment);
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

function keyOf(element: unknown): readonly string[] {
  const parts = isBody(element) && 'concat' in element ? asList(element.concat) : [element];
  return parts.map(String);
}

function isBody(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
