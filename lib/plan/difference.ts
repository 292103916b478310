/** How entries of a table of the kernel's are told apart. */
export type Identity<T> = {
  /** All of the entry. */
  readonly textOf: (entry: T) => string;
  /** That of which the table is to have one: a wished entry replaces the first one that is there. */
  readonly keyOf: (entry: T) => string;
};

/** What is to go before what is missing comes. */
export type Difference<T> = {
  readonly surplus: readonly T[];
  readonly missing: readonly T[];
  /** Those of the missing that take the place of another entry, which therefore is not surplus. */
  readonly replacing: ReadonlySet<T>;
};

/** From what a table has to what it is to have. */
export function differenceOf<T>(
  wished: readonly T[],
  found: readonly T[],
  { textOf, keyOf }: Identity<T>,
): Difference<T> {
  const foundTexts = new Set(found.map(textOf));
  const wishedTexts = new Set(wished.map(textOf));
  const missing = wished.filter((entry) => !foundTexts.has(textOf(entry)));
  // Of several the last to be set stays: the first of each key.
  const replaceable = new Map(found.toReversed().map((entry) => [keyOf(entry), entry]));
  const replacing = new Set(missing.filter((entry) => replaceable.has(keyOf(entry))));
  const replaced = new Set([...replacing].map((entry) => replaceable.get(keyOf(entry))));
  const surplus = found.filter((entry) => !wishedTexts.has(textOf(entry)) && !replaced.has(entry));
  return { surplus, missing, replacing };
}
