import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { onFiles } from '../errors/system-error.ts';

/** What is written, where, and who may read it: the mode holds whatever the umask is. */
export type Replacement = { readonly path: string; readonly text: string; readonly mode: number };

/**
 * Has a file hold a text; readers see the one before or this one, whole. Its directory is made where it is missing.
 * @param doing what goes on, for the error
 * @throws CniError code 5
 */
export function replaceFile({ path, text, mode }: Replacement, doing = `writing ${path}`): void {
  const scratch = `${path}.new.${process.pid}`;
  onFiles(doing, () => {
    mkdirSync(dirname(path), { recursive: true });
    try {
      writeFileSync(scratch, text);
      chmodSync(scratch, mode);
      renameSync(scratch, path);
    } finally {
      rmSync(scratch, { force: true });
    }
  });
}
