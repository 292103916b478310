import { CniError, ErrorCode } from '../errors/cni-error.ts';

/**
 * An object of a network configuration, read field by field.
 *
 * Names match without regard to case, as Go's decoder in the reference plugins does (runtimes rely on it:
 * containerd sends `HostPort`); null counts as absent; unknown fields are left alone. Each reader throws a
 * CniError (code 7) that names the field's path, what was expected and what was there.
 */
export class Fields {
  readonly #byName: ReadonlyMap<string, unknown>;
  readonly path: string;

  constructor(value: unknown, path: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw unexpected(path, 'an object', value);
    }
    this.path = path;
    const entries = Object.entries(value);
    this.#byName = new Map([
      ...entries.map(([name, field]): [string, unknown] => [name.toLowerCase(), field]),
      ...entries,
    ]);
  }

  /** The field as it stands; undefined where absent or null. */
  raw(name: string): unknown {
    return this.#byName.get(name) ?? this.#byName.get(name.toLowerCase()) ?? undefined;
  }

  /** Whether the field is there at all, be it null. */
  has(name: string): boolean {
    return this.#byName.has(name) || this.#byName.has(name.toLowerCase());
  }

  /**
   * Refuses every field but these. A network configuration may have any, by the specification; our own files may not:
   * what is misspelt would silently do nothing.
   */
  only(...known: readonly string[]): void {
    const names = new Set(known.map((name) => name.toLowerCase()));
    const unknown = [...this.#byName.keys()].find((name) => !names.has(name.toLowerCase()));
    if (unknown === undefined) return;
    throw new CniError(
      ErrorCode.invalidConfig,
      `${this.at(unknown)}: there is no such field; there are ${known.join(', ')}`,
    );
  }

  /** The error for a field that must be there. */
  missing(name: string): never {
    throw new CniError(ErrorCode.invalidConfig, `${this.at(name)}: is required and missing`);
  }

  string(name: string): string | undefined {
    return this.#typed(name, 'a string', (value) => typeof value === 'string');
  }

  boolean(name: string): boolean | undefined {
    return this.#typed(name, 'true or false', (value) => typeof value === 'boolean');
  }

  /** A whole number between `min` and `max`, both included. */
  integer(name: string, { min, max }: { min: number; max: number }): number | undefined {
    return this.#typed(
      name,
      `a whole number from ${min} to ${max}`,
      (value) => typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max,
    );
  }

  object(name: string): Fields | undefined {
    const value = this.raw(name);
    return value === undefined ? undefined : new Fields(value, this.at(name));
  }

  /** Each item through `parse`, which is given the item and its path. */
  array<T>(name: string, parse: (item: unknown, path: string) => T): readonly T[] | undefined {
    const items = this.#typed<readonly unknown[]>(name, 'a list', Array.isArray);
    return items?.map((item, index) => parse(item, `${this.at(name)}[${index}]`));
  }

  strings(name: string): readonly string[] | undefined {
    return this.array(name, parseText);
  }

  /**
   * A string through `parse`, which answers undefined for what it cannot take.
   * @param expected what the operator should have written, for the error
   */
  parsed<T>(name: string, expected: string, parse: (text: string) => T | undefined): T | undefined {
    const text = this.string(name);
    if (text === undefined || text === '') return undefined;
    const value = parse(text);
    if (value === undefined) throw unexpected(this.at(name), expected, text);
    return value;
  }

  /** The path of a field below this object, as the errors name it ("ipam.ranges"). */
  at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }

  #typed<T>(name: string, expected: string, accepts: (value: unknown) => boolean): T | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (!accepts(value)) throw unexpected(this.at(name), expected, value);
    return value as T;
  }
}

/** The error (code 7) for a field that holds something else than expected. */
export function unexpected(path: string, expected: string, found: unknown): CniError {
  const shown = JSON.stringify(found) ?? 'nothing';
  const short = shown.length > 80 ? `${shown.slice(0, 77)}...` : shown;
  return new CniError(
    ErrorCode.invalidConfig,
    `${path === '' ? 'the configuration' : path}: expected ${expected}, found ${short}`,
  );
}

/** An item of a list that must be a string. */
export function parseText(item: unknown, path: string): string {
  if (typeof item !== 'string') throw unexpected(path, 'a string', item);
  return item;
}
