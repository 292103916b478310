import { renameSync } from 'node:fs';
import { ifExists } from '../errors/system-error.ts';
import { StoreFailure } from './store-failure.ts';

/** Files that SQLite keeps beside one database. */
const journals = ['-wal', '-shm'];

/**
 * Moves a damaged registry out of the way, for somebody to look at; the next ADD, or the agent, begins a new one.
 * @param now for the name that it is given
 * @returns the path at which it is now
 */
export function setAside(path: string, now: Date): string {
  const kept = `${path}.damaged-${now.toISOString().replaceAll(/[:.]/g, '-')}`;
  // The journal goes first: left behind, it would be taken for the new file's. And again last: whoever has opened the
  // file in between has made another.
  for (const suffix of [...journals, '', ...journals]) {
    ifExists(() => renameSync(path + suffix, kept + suffix));
  }
  return kept;
}

/** Whether a failure says that the file itself is damaged. */
export function isDamage(error: unknown): error is StoreFailure {
  return error instanceof StoreFailure && error.trouble === 'corrupt';
}
