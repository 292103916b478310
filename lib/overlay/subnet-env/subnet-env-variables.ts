import { unexpected } from '../../cni/fields.ts';

/** The variables of a text of `NAME=value` lines; of two with one name the later counts, as for a shell. */
export class Variables {
  readonly #values: ReadonlyMap<string, string>;

  constructor(text: string) {
    this.#values = new Map(text.split('\n').flatMap(parseLine));
  }

  /**
   * The value through `parse`, which answers undefined for what it cannot take; undefined where it is absent or empty.
   * @param expected what should stand there, for the error
   * @throws CniError code 7 naming the variable
   */
  parsed<T>(name: string, expected: string, parse: (value: string) => T | undefined): T | undefined {
    const text = this.#values.get(name) ?? '';
    if (text === '') return undefined;
    const value = parse(text);
    if (value === undefined) throw unexpected(name, expected, text);
    return value;
  }
}

function parseLine(line: string): readonly (readonly [string, string])[] {
  const equals = line.indexOf('=');
  return equals > 0 ? [[line.slice(0, equals).trim(), line.slice(equals + 1).trim()]] : [];
}
