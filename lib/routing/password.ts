import { readFileSync } from 'node:fs';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { onFiles } from '../errors/system-error.ts';
import type { PasswordSource } from './settings.ts';

/** What a password may be: the kernel takes no more bytes for TCP MD5, and BIRD's strings know no escapes. */
export const expectedPassword = '1 to 80 printable ASCII characters without quotes and backslashes';

/** Undefined for a text that BIRD's configuration cannot hold. */
export function parsePassword(text: string): string | undefined {
  return /^[ !#-&(-[\]-~]{1,80}$/.test(text) ? text : undefined;
}

/**
 * The password itself; a newline at a file's end is not a part of it.
 * @throws CniError code 5 where the file cannot be read, 7 where it holds no password; what it holds is never shown
 */
export function readPassword(source: PasswordSource): string {
  if (source.kind === 'text') return source.text;
  const { path } = source;
  const text = onFiles(`reading the password ${path}`, () => readFileSync(path, 'utf8'));
  const password = parsePassword(text.replace(/\r?\n$/, ''));
  if (password !== undefined) return password;
  throw new CniError(ErrorCode.invalidConfig, `${path}: expected ${expectedPassword}`);
}
