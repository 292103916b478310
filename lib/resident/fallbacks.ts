import { closeSync, constants, fstatSync, openSync, readSync, renameSync, rmSync } from 'node:fs';
import { ifExists } from '../errors/system-error.ts';

/** Why a client has executed a call by itself; `other` for what only a client of another release may know. */
export const fallbackReasons = [
  'absent',
  'refused',
  'foreign',
  'differs',
  'silent',
  'dropped',
  'large',
  'lost',
  'other',
] as const;

/** The words by which a client says why it has executed a call; plugins/resident/README.md explains each. */
export type FallbackReason = (typeof fallbackReasons)[number];

/** A call that its client has executed by itself. */
export type Fallback = {
  readonly atSeconds: number;
  readonly reason: FallbackReason;
  readonly verb: string;
  readonly plugin: string;
};

/** Clients write no more than a quarter of this; what is beyond it nobody has asked for. */
const mostBytes = 1024 * 1024;

const lineForm = /^(\d{1,12}) (\S{1,16}) (\S{1,16}) (\S{1,64})$/;

/** What clients have noted, oldest first; lines of another form are passed over. */
export function parseFallbacks(text: string): readonly Fallback[] {
  return text.split('\n').flatMap((line) => {
    const [, seconds, word, verb, plugin] = lineForm.exec(line) ?? [];
    if (seconds === undefined || verb === undefined || plugin === undefined) return [];
    const reason = fallbackReasons.find((known) => known === word) ?? 'other';
    return [{ atSeconds: Number(seconds), reason, verb, plugin }];
  });
}

/** @throws the failed system call */
export function readFallbacks(path: string): readonly Fallback[] {
  return parseFallbacks(ifExists(() => readFile(path)) ?? '');
}

/**
 * Reads what has been noted, and removes it. The file has another name before it is read: a client that comes meanwhile
 * begins a new one.
 * @throws the failed system call
 */
export function takeFallbacks(path: string): readonly Fallback[] {
  const taken = `${path}.taken`;
  ifExists(() => renameSync(path, taken));
  try {
    return readFallbacks(taken);
  } finally {
    rmSync(taken, { force: true });
  }
}

/** A pipe in the file's place would have us wait, and a link lead to something else. */
function readFile(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!fstatSync(file).isFile()) return '';
    const bytes = Buffer.alloc(Math.min(fstatSync(file).size, mostBytes));
    return bytes.toString('latin1', 0, readSync(file, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(file);
  }
}
