import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { onFiles } from '../errors/system-error.ts';

/**
 * One change of a directory. Each is there as a whole or not at all, but for a copy and a written file, which nobody
 * knows by their names yet: so whatever ends an installation, every name is the old file or the new one.
 */
export type Step =
  | { readonly do: 'make-directory'; readonly path: string }
  | { readonly do: 'write'; readonly path: string; readonly text: string }
  | { readonly do: 'copy'; readonly from: string; readonly to: string }
  | { readonly do: 'link'; readonly from: string; readonly to: string }
  | { readonly do: 'rename'; readonly from: string; readonly to: string }
  | { readonly do: 'remove'; readonly path: string }
  | { readonly do: 'remove-directory'; readonly path: string }
  | { readonly do: 'flush'; readonly path: string };

/**
 * Changes the directory.
 * @throws CniError code 5 that says what was being done
 */
export function carryOut(step: Step): void {
  onFiles(describeStep(step), () => changeFiles(step));
}

function describeStep(step: Step): string {
  if ('from' in step) return `${step.do} ${step.from} to ${step.to}`;
  return `${step.do} ${step.path}`;
}

function changeFiles(step: Step): void {
  switch (step.do) {
    case 'make-directory':
      mkdirSync(step.path, { mode: 0o700 });
      break;
    case 'write':
      writeFileSync(step.path, step.text, { flag: 'wx', mode: 0o600, flush: true });
      break;
    case 'copy':
      copyExecutable(step.from, step.to);
      break;
    case 'link':
      linkSync(step.from, step.to);
      break;
    case 'rename':
      renameSync(step.from, step.to);
      break;
    case 'remove':
      unlinkSync(step.path);
      break;
    case 'remove-directory':
      rmdirSync(step.path);
      break;
    case 'flush':
      flush(step.path);
  }
}

/** Exclusively, so that nothing is written through a link that somebody has left under the name. */
function copyExecutable(from: string, to: string): void {
  copyFileSync(from, to, constants.COPYFILE_EXCL);
  chmodSync(to, 0o755);
  flush(to);
  requireExecutable(to);
}

function requireExecutable(path: string): void {
  try {
    accessSync(path, constants.X_OK);
  } catch (cause) {
    throw new CniError(
      ErrorCode.ioFailure,
      `${path} could not be executed: the file system is mounted noexec; choose another directory, or remount it`,
      { cause },
    );
  }
}

/** What is renamed before it is on the disk may be an empty file after a power cut. */
function flush(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
