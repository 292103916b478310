import { readFile } from 'node:fs/promises';
import { Fields, unexpected } from '../cni/fields.ts';
import { parseStorePath } from '../registry/config.ts';

/** A password or token: its text, or the file that holds it. */
export type Secret = { readonly text: string } | { readonly file: string };

/**
 * Reads `<name>` or `<name>File`; undefined where neither is there.
 * @throws CniError code 7
 */
export function parseSecret(fields: Fields, name: string): Secret | undefined {
  const text = secretField(fields, name, { expected: 'printable characters', parse: parseText });
  // Who confuses the two writes the secret here.
  const file = secretField(fields, `${name}File`, { expected: 'an absolute path', parse: parseStorePath });
  if (text !== undefined && file !== undefined)
    throw unexpected(fields.path, `either ${name} or ${name}File`, 'both');
  if (text !== undefined) return { text };
  return file === undefined ? undefined : { file };
}

/**
 * As `fields.parsed`, of a field that holds a secret, or may by mistake: what was found is not shown.
 * @throws CniError code 7
 */
export function secretField<T>(
  fields: Fields,
  name: string,
  { expected, parse }: { readonly expected: string; readonly parse: (text: string) => T | undefined },
): T | undefined {
  const found = fields.raw(name);
  if (found === undefined || found === '') return undefined;
  const value = typeof found === 'string' ? parse(found) : undefined;
  if (value === undefined) throw unexpected(fields.at(name), expected, notShown);
  return value;
}

/**
 * As `fields.object`, of an object with a secret in it.
 * @throws CniError code 7
 */
export function secretObject(fields: Fields, name: string): Fields | undefined {
  const found = fields.raw(name);
  if (found === undefined) return undefined;
  if (typeof found === 'object' && !Array.isArray(found)) return new Fields(found, fields.at(name));
  throw unexpected(fields.at(name), 'an object', notShown);
}

const notShown = '(not shown)';

/** What may stand in a header. */
function parseText(text: string): string | undefined {
  return /^[\x21-\x7e][\x20-\x7e]{0,4095}$/.test(text) ? text : undefined;
}

/** A secret, read when it is needed first, and again after it was refused: files are replaced while the agent runs. */
export class SecretReader {
  readonly #secret: Secret | undefined;
  #read: Promise<string> | undefined;

  constructor(secret: Secret | undefined) {
    this.#secret = secret;
  }

  /** Undefined where none is configured. Rejects with the file's failure, which names its path. */
  async read(): Promise<string | undefined> {
    const secret = this.#secret;
    if (secret === undefined) return undefined;
    if ('text' in secret) return secret.text;
    this.#read ??= readFile(secret.file, 'utf8').then((content) => content.trim());
    try {
      return await this.#read;
    } catch (error) {
      this.forget();
      throw error;
    }
  }

  forget(): void {
    this.#read = undefined;
  }
}
