import { CniError, ErrorCode } from './cni-error.ts';

/** The `code` of a failed system call ("ENOENT"), or undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

const remedies: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space and try again',
  EDQUOT: 'the disk quota is used up: free some space and try again',
  EROFS: 'the file system is read-only: remount it, or set dataDir to a writable directory',
  EACCES: 'permission denied: run as root, or correct the mode of the path',
  EPERM: 'not permitted: run as root with CAP_NET_ADMIN and CAP_SYS_ADMIN',
  EMFILE: 'too many open files: raise the limit of this process',
};

/**
 * A failed system call on a file as a CniError (code 5) that says what was being done and what helps.
 * Errors of ours pass unchanged.
 */
export function fileFailure(doing: string, error: unknown): CniError {
  if (error instanceof CniError) return error;
  const errno = errnoOf(error);
  const remedy = errno === undefined ? undefined : remedies[errno];
  const message = error instanceof Error ? error.message : String(error);
  return new CniError(ErrorCode.ioFailure, `${doing}: ${remedy ?? message}`, {
    cause: error,
    details: message,
  });
}

/** Runs `work`; a failed system call in it becomes `fileFailure(doing, …)`. */
export function onFiles<T>(doing: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw fileFailure(doing, error);
  }
}

/** Runs `work`; undefined if what it touches does not exist (ENOENT, ENOTDIR). */
export function ifExists<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined;
    throw error;
  }
}
