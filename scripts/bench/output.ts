import { chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs';

/** A run's files: their names and what is in them. */
export type Files = Readonly<Record<'results.json' | 'table.md' | 'growth.svg', string>>;

/**
 * Writes the files of a run into a directory of the checkout. They are given to the checkout's owner: the bench runs
 * as root, and the next build, which does not, must be able to remove them.
 */
export function writeFiles(root: string, folder: string, files: Files): void {
  const { uid, gid } = statSync(root);
  const dir = `${root}/${folder}`;
  const made = mkdirSync(dir, { recursive: true });
  if (made !== undefined) chownSync(made, uid, gid);
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(`${dir}/${name}`, text);
    chownSync(`${dir}/${name}`, uid, gid);
  }
  chownSync(dir, uid, gid);
}
