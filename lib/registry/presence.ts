import { chmodSync, closeSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { errnoOf } from '../errors/system-error.ts';

/** What processes of a machine hold so that others see them: the kernel takes it from them when they end, however they do. */
export type Presence =
  /** The agent, for as long as it delivers. */
  | 'agent'
  /** Whoever delivers to outside registries at the moment: one at a time. */
  | 'delivery';

/**
 * Takes what one process of the machine may hold at a time; undefined where another one has it.
 * @param storePath the registry's file, beside which the lock is
 */
export function hold(presence: Presence, storePath: string): Disposable | undefined {
  const database = open(presence, storePath);
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  return { [Symbol.dispose]: () => database.close() };
}

/** The file whose lock it is. */
export function lockPath(presence: Presence, storePath: string): string {
  return `${dirname(storePath)}/${presence}.lock`;
}

/** Whether some process holds it. */
export function isHeld(presence: Presence, storePath: string): boolean {
  const database = open(presence, storePath);
  try {
    database.prepare('SELECT 1 FROM sqlite_schema').get();
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    throw error;
  } finally {
    database.close();
  }
}

/** An empty database: SQLite's locks are the kernel's, and readers do not disturb each other. */
function open(presence: Presence, storePath: string): DatabaseSync {
  const path = lockPath(presence, storePath);
  keepToOwner(path);
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  return new DatabaseSync(path, { timeout: 0 });
}

const ownersOnly = 0o600;

/**
 * Whoever can read the file can lock it, and so keep everybody else from holding it. A file that is there is not opened for
 * this: to close it would take away what this process holds of it already (fcntl(2)).
 */
function keepToOwner(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) create(path);
  else if ((found.mode & 0o777) !== ownersOnly && found.uid === process.geteuid?.())
    chmodSync(path, ownersOnly);
}

function create(path: string): void {
  try {
    closeSync(openSync(path, 'wx', ownersOnly));
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

/** SQLITE_BUSY, https://www.sqlite.org/rescode.html#busy */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 5;
}
