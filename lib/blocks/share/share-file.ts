import { readFileSync, rmSync } from 'node:fs';
import { ifExists, onFiles } from '../../errors/system-error.ts';
import { replaceFile } from '../../files/replace-file.ts';
import { parseShare, renderShare, type Share } from './share.ts';

/**
 * Undefined where there is no such file.
 * @throws CniError code 6 or 7 for what is not understood, code 5 where it cannot be read
 */
export function readShare(path: string): Share | undefined {
  const text = onFiles(`reading ${path}`, () => ifExists(() => readFileSync(path, 'utf8')));
  return text === undefined ? undefined : parseShare(text, path);
}

/** The file as it stands, whatever it says; undefined where there is none that could be read. */
export function readShareText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * Appears whole or not at all, readable by all: a plugin may run as another user.
 * @throws CniError code 5
 */
export function writeShare(path: string, share: Share): void {
  replaceFile({ path, text: renderShare(share), mode: 0o644 });
}

/**
 * Nothing happens where there is no such file.
 * @throws CniError code 5
 */
export function removeShare(path: string): void {
  onFiles(`removing ${path}`, () => rmSync(path, { force: true }));
}
