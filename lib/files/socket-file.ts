import { chmodSync, lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { ifExists } from '../errors/system-error.ts';

/** Where a socket is bound before it has its place: only its maker gets in. */
export type SocketScratch = Disposable & { readonly path: string };

/** Makes a private directory beside a socket's place, and the directories above it. @throws the failed system call */
export function makeScratch(path: string): SocketScratch {
  const dir = dirname(path);
  makeDirectory(dir);
  const scratch = mkdtempSync(`${dir}/.new-`);
  return {
    path: `${scratch}/s`,
    [Symbol.dispose]: () => rmSync(scratch, { recursive: true, force: true }),
  };
}

/**
 * Has a bound socket take its place, over what is there.
 * @returns removes the file, unless another has taken its place
 * @throws the failed system call
 */
export function publishSocket(bound: string, path: string, mode: number): () => void {
  chmodSync(bound, mode);
  renameSync(bound, path);
  const { ino } = lstatSync(path);
  return () => {
    if (ifExists(() => lstatSync(path).ino) === ino) rmSync(path, { force: true });
  };
}

/** Whatever the umask is: callers of other users must get through to the socket. */
function makeDirectory(dir: string): void {
  const made = mkdirSync(dir, { recursive: true });
  if (made !== undefined) chmodSync(dir, 0o755);
}
