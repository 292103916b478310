/** A JSON object of which the fields are not known yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** An answer that is not what etcd's gateway answers. */
export class Malformed extends Error {}

/** More than is taken at once; asked for less, the server may have an answer that is. */
export class TooLong extends Malformed {}

/** @throws Malformed */
export function parseJson(text: string): JsonObject {
  try {
    return objectOf(JSON.parse(text), 'the answer');
  } catch (cause) {
    if (cause instanceof Malformed) throw cause;
    throw new Malformed(`the answer is not JSON: ${JSON.stringify(text.slice(0, 60))}`);
  }
}

/** @throws Malformed */
export function objectOf(value: unknown, what: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new Malformed(`${what} is not an object`);
}

/**
 * A list, which the gateway leaves out where it is empty.
 * @throws Malformed
 */
export function listOf(value: unknown, what: string): readonly unknown[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw new Malformed(`${what} is not a list`);
}

/**
 * A number of 64 bits, which the gateway writes as a string, and leaves out where it is 0.
 * @throws Malformed also for what is larger than a number of JavaScript holds exactly
 */
export function int64Of(value: unknown, what: string): number {
  const number = Number(value ?? 0);
  if (value !== null && value !== '' && Number.isSafeInteger(number)) return number;
  throw new Malformed(`${what} is not a whole number`);
}

/**
 * The decimal text of a number of 64 bits, for those that are only handed on.
 * @throws Malformed
 */
export function int64TextOf(value: unknown, what: string): string {
  const text = String(value ?? 0);
  if (/^-?\d{1,20}$/.test(text)) return text;
  throw new Malformed(`${what} is not a whole number`);
}

/**
 * Bytes, which the gateway writes in base64, and leaves out where there are none.
 * @throws Malformed
 */
export function bytesOf(value: unknown, what: string): Buffer {
  if (value === undefined) return Buffer.alloc(0);
  if (typeof value === 'string') return Buffer.from(value, 'base64');
  throw new Malformed(`${what} is not a text`);
}

/** Text as the gateway takes keys and values. */
export function toBase64(text: string): string {
  return Buffer.from(text).toString('base64');
}
