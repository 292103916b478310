import { renameSync, statSync } from 'node:fs';
import { ifExists } from '../errors/system-error.ts';
import { StoreFailure } from './store-failure.ts';

/**
 * Moves a damaged registry out of the way, for somebody to look at; the next ADD, or the agent, begins a new one. The
 * file goes first: while only its journal is there, nobody begins one, and the journal cannot be taken for a new one's.
 * @param now for the name that it is given
 * @returns the path at which it is now
 */
export function setAside(path: string, now: Date): string {
  const kept = `${path}.damaged-${now.toISOString().replaceAll(/[:.]/g, '-')}`;
  for (const suffix of ['', '-shm', '-wal']) ifExists(() => renameSync(path + suffix, kept + suffix));
  return kept;
}

/**
 * Which file is at a path; undefined where there is none. By stat(2) only: to close any descriptor of a file drops the
 * locks that SQLite has on it in this process (sqlite.org/howtocorrupt.html, section 2.2).
 */
export function identifyFile(path: string): string | undefined {
  const found = ifExists(() => statSync(path));
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
}

/** Whether a failure says that the file itself is damaged. */
export function isDamage(error: unknown): error is StoreFailure {
  return error instanceof StoreFailure && error.trouble === 'corrupt';
}
