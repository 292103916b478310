import { parseDuration } from '../registry/duration.ts';
import { badRequest } from './api-error.ts';

/**
 * The parameter's value; undefined where it is absent or empty.
 * @throws ApiError 400 where it stands twice or has a control character
 */
export function readText(query: URLSearchParams, name: string): string | undefined {
  const [value, ...more] = readAll(query, name);
  if (more.length > 0)
    throw badRequest(`${name}: stands ${more.length + 1} times in the query`, 'give it once');
  return value;
}

/** Every value of a parameter that may stand several times. */
export function readAll(query: URLSearchParams, name: string): readonly string[] {
  const values = query.getAll(name).filter((value) => value !== '');
  const refused = values.find((value) => value.length > 512 || /\p{Cc}/u.test(value));
  if (refused === undefined) return values;
  throw badRequest(`${name}: has a control character or more than 512 characters`);
}

/** One of several words; undefined where the parameter is absent. */
export function readWord<T extends string>(
  query: URLSearchParams,
  name: string,
  words: readonly T[],
): T | undefined {
  const text = readText(query, name);
  const word = words.find((each) => each === text);
  if (text === undefined || word !== undefined) return word;
  throw badRequest(`${name}: expected ${words.join(' or ')}, found ${JSON.stringify(text)}`);
}

/** Whether a switch is on: alone (`?passing`), as `1` or as `true`. */
export function readFlag(query: URLSearchParams, name: string): boolean {
  if (!query.has(name)) return false;
  const text = readText(query, name) ?? '1';
  if (['1', 'true'].includes(text)) return true;
  if (['0', 'false'].includes(text)) return false;
  throw badRequest(`${name}: expected 1 or 0, found ${JSON.stringify(text)}`);
}

/** A whole number from 0 to 2^53 - 1. */
export function readNumber(query: URLSearchParams, name: string): number | undefined {
  const text = readText(query, name);
  return text === undefined ? undefined : parseNumber(text, name);
}

/**
 * @param name what the number is, for the error
 * @throws ApiError 400
 */
export function parseNumber(text: string, name: string): number {
  const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw badRequest(`${name}: expected a whole number, found ${JSON.stringify(text)}`);
}

/** A duration as Consul takes it ("10s", "5m"), in milliseconds, `mostMs` where it is longer. */
export function readDuration(query: URLSearchParams, name: string, mostMs: number): number | undefined {
  const text = readText(query, name);
  if (text === undefined) return undefined;
  const ms = text === '0' ? 0 : parseDuration(text);
  if (ms === undefined) {
    throw badRequest(`${name}: expected a duration such as "10s" or "500ms", found ${JSON.stringify(text)}`);
  }
  return Math.min(ms, mostMs);
}
