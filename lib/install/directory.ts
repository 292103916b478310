import { accessSync, constants, realpathSync, statfsSync, statSync } from 'node:fs';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { errnoOf, ifExists, onFiles } from '../errors/system-error.ts';

/**
 * The directory that is meant, without symbolic links: all names are then changed in one place, whatever happens to a
 * link on the way there.
 * @throws CniError code 7 where there is none, or it is not an absolute path
 */
export function resolveDirectory(dir: string): string {
  if (!dir.startsWith('/') || dir.includes('\0')) throw wrong(dir, 'expected an absolute path');
  const path = onFiles(`--dir: reading ${dir}`, () => ifExists(() => realpathSync(dir)));
  if (path === undefined) throw wrong(dir, `there is no such directory; make it with: mkdir -p ${dir}`);
  if (!statSync(path).isDirectory()) throw wrong(dir, 'is no directory');
  return path;
}

/**
 * Asks before the first change.
 * @throws CniError code 5 that says what helps where nothing can be changed in the directory
 */
export function requireWritable(dir: string): void {
  try {
    accessSync(dir, constants.W_OK | constants.X_OK);
  } catch (cause) {
    const remedy = errnoOf(cause) === 'EROFS' ? 'remount its file system writable' : 'run as root';
    throw new CniError(ErrorCode.ioFailure, `${dir} cannot be written: ${remedy}`, { cause });
  }
}

/** What an installation needs beside the copy, in bytes: directory entries and the manifest. */
const slackBytes = 1_000_000;

/**
 * Asks before the copy is made.
 * @throws CniError code 5 where the file system has no room for a copy of that many bytes
 */
export function requireSpace(dir: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(dir);
  const free = bavail * bsize;
  if (free >= bytes + slackBytes) return;
  throw new CniError(
    ErrorCode.ioFailure,
    `${dir} has ${toMegabytes(free)} MB free, and the executable needs ${toMegabytes(bytes + slackBytes)} MB for a moment, beside what is there: free some`,
  );
}

function toMegabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function wrong(dir: string, problem: string): CniError {
  return new CniError(ErrorCode.invalidConfig, `--dir: ${JSON.stringify(dir)}: ${problem}`);
}
