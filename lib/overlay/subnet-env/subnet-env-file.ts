import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ifExists, onFiles } from '../../errors/system-error.ts';
import { parseSubnetEnv, renderSubnetEnv, type SubnetEnv } from './subnet-env.ts';

/**
 * Undefined where there is no such file.
 * @throws CniError code 7 for what is not understood, code 5 where it cannot be read
 */
export function readSubnetEnv(path: string): SubnetEnv | undefined {
  const text = onFiles(`reading ${path}`, () => ifExists(() => readFileSync(path, 'utf8')));
  return text === undefined ? undefined : parseSubnetEnv(text, path);
}

/**
 * Appears whole or not at all, readable by all.
 * @throws CniError code 5
 */
export function writeSubnetEnv(path: string, env: SubnetEnv): void {
  const scratch = `${path}.new.${process.pid}`;
  onFiles(`writing ${path}`, () => {
    mkdirSync(dirname(path), { recursive: true });
    try {
      writeFileSync(scratch, renderSubnetEnv(env));
      // Whatever the umask is: a plugin may run as another user.
      chmodSync(scratch, 0o644);
      renameSync(scratch, path);
    } finally {
      rmSync(scratch, { force: true });
    }
  });
}

/**
 * Nothing happens where there is no such file.
 * @throws CniError code 5
 */
export function removeSubnetEnv(path: string): void {
  onFiles(`removing ${path}`, () => rmSync(path, { force: true }));
}
