import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { CniError, ErrorCode, messageOf } from '../errors/cni-error.ts';
import { errnoOf } from '../errors/system-error.ts';

/**
 * Why the store could not be used: `busy` and `full` pass by themselves or once there is space again, `corrupt` needs the
 * file to be set aside, `unreadable` needs the operator.
 */
export type StoreTrouble = 'busy' | 'full' | 'corrupt' | 'unreadable';

/** The registry's file failed. As a CNI error it is code 11 where trying again may help, otherwise 999. */
export class StoreFailure extends CniError {
  readonly trouble: StoreTrouble;

  constructor(trouble: StoreTrouble, message: string, cause?: unknown) {
    super(trouble === 'busy' || trouble === 'full' ? ErrorCode.tryAgainLater : ErrorCode.internal, message, {
      cause,
    });
    this.name = 'StoreFailure';
    this.trouble = trouble;
  }
}

/** SQLite's primary result codes (sqlite.org/rescode.html). */
const troubles: Readonly<Record<number, StoreTrouble>> = {
  5: 'busy',
  6: 'busy',
  10: 'full',
  11: 'corrupt',
  13: 'full',
  26: 'corrupt',
};

const remedies: Readonly<Record<StoreTrouble, string>> = {
  busy: 'another process has held it for too long; try again, and see who has it open ("fuser")',
  full: 'the disk is full or fails; free some space and try again',
  corrupt: 'it is damaged; "fairlead agent" and "fairlead registry repair" set it aside and begin a new one',
  unreadable: 'see its mode and that of its directory, and run as root',
};

/** What SQLite or the file system threw, for the operator; other errors pass unchanged. */
export function toStoreFailure(path: string, error: unknown): unknown {
  const errno = errnoOf(error);
  if (errno !== undefined && /^E[A-Z0-9]+$/.test(errno) && !errno.startsWith('ERR_')) {
    const hasNoRoom = errno === 'ENOSPC' || errno === 'EDQUOT';
    return storeFailure(path, hasNoRoom ? 'full' : 'unreadable', messageOf(error), error);
  }
  if (!(error instanceof Error && 'errcode' in error && typeof error.errcode === 'number')) return error;
  const known = troubles[error.errcode & 0xff] ?? 'unreadable';
  // Without an inode for its journal SQLite only says that it cannot open the file.
  const trouble = known === 'unreadable' && isFull(path) ? 'full' : known;
  return storeFailure(path, trouble, error.message, error);
}

function isFull(path: string): boolean {
  try {
    const { bavail, ffree, files } = statfsSync(dirname(path));
    return bavail === 0 || (files > 0 && ffree === 0);
  } catch {
    return false;
  }
}

export function storeFailure(
  path: string,
  trouble: StoreTrouble,
  what: string,
  cause?: unknown,
): StoreFailure {
  return new StoreFailure(trouble, `registry ${path}: ${what}; ${remedies[trouble]}`, cause);
}
