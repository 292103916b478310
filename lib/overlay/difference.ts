/** How entries of a table of the kernel's are told apart. */
export type Identity<T> = {
  /** All of the entry. */
  readonly textOf: (entry: T) => string;
  /** That of which the table has one: a wished entry replaces the one that is there. */
  readonly keyOf: (entry: T) => string;
};

/** What is to go before what is missing comes. */
export type Difference<T> = { readonly surplus: readonly T[]; readonly missing: readonly T[] };

/** From what a table has to what it is to have. An entry that a missing one will replace is not surplus. */
export function differenceOf<T>(
  wished: readonly T[],
  found: readonly T[],
  { textOf, keyOf }: Identity<T>,
): Difference<T> {
  const foundTexts = new Set(found.map(textOf));
  const wishedTexts = new Set(wished.map(textOf));
  const missing = wished.filter((entry) => !foundTexts.has(textOf(entry)));
  const replaced = new Set(missing.map(keyOf));
  const surplus = found.filter((entry) => !wishedTexts.has(textOf(entry)) && !replaced.has(keyOf(entry)));
  return { surplus, missing };
}
