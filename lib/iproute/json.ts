/** An object of what `ip`, `bridge`, `tc` and `nft` print with `-j`, of which nothing is believed. */
export type Json = Readonly<Record<string, unknown>>;

/** What a tool printed with `-j`: a list of objects, or nothing at all. */
export function parseObjects(text: string): Json[] {
  const document: unknown = text.trim() === '' ? [] : JSON.parse(text);
  return listOf(document).map(objectOf);
}

/** The value if it is an object; an empty one otherwise. */
export function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

/** The value if it is a list; an empty one otherwise. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value if it is a text; an empty one otherwise. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The value if it is a text. */
export function optionalText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
