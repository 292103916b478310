import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { CniError, ErrorCode } from '../../errors/cni-error.ts';
import { ifExists, onFiles } from '../../errors/system-error.ts';
import type { Run } from '../../exec/command.ts';

/** There may be passwords in it. */
const mode = 0o640;

/**
 * Has the file hold the text once `bird -p` has understood it; otherwise the file stays as it was.
 * @returns whether it was another text before
 * @throws CniError code 5 where it cannot be written, code 7 where BIRD does not understand it
 */
export async function offerConfig(path: string, text: string, run: Run): Promise<boolean> {
  if (readConfig(path) === text) return false;
  const candidate = `${path}.new`;
  try {
    onFiles(`writing ${candidate}`, () => {
      mkdirSync(dirname(path), { recursive: true });
      rmSync(candidate, { force: true });
      writeFileSync(candidate, text, { mode, flag: 'wx' });
      // Whatever the umask is: BIRD may run as another user of the group.
      chmodSync(candidate, mode);
    });
    await check(candidate, run);
    onFiles(`writing ${path}`, () => renameSync(candidate, path));
  } finally {
    rmSync(candidate, { force: true });
  }
  return true;
}

/** Undefined where there is none. @throws CniError code 5 */
export function readConfig(path: string): string | undefined {
  return onFiles(`reading ${path}`, () => ifExists(() => readFileSync(path, 'utf8')));
}

async function check(candidate: string, run: Run): Promise<void> {
  const { status, stdout, stderr } = await run({ file: 'bird', args: ['-p', '-c', candidate] });
  if (status === 0) return;
  if (status === undefined)
    throw new CniError(
      ErrorCode.invalidConfig,
      `${stderr}: install BIRD 2 (package bird2), or use mode "direct"`,
    );
  throw new CniError(
    ErrorCode.invalidConfig,
    `BIRD does not understand the configuration made for it, so the one before stays in force: ${(stderr + stdout).trim()}`,
  );
}
