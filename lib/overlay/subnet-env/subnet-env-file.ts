import { readFileSync, rmSync } from 'node:fs';
import { ifExists, onFiles } from '../../errors/system-error.ts';
import { replaceFile } from '../../files/replace-file.ts';
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
 * Appears whole or not at all, readable by all: a plugin may run as another user.
 * @throws CniError code 5
 */
export function writeSubnetEnv(path: string, env: SubnetEnv): void {
  replaceFile({ path, text: renderSubnetEnv(env), mode: 0o644 });
}

/**
 * Nothing happens where there is no such file.
 * @throws CniError code 5
 */
export function removeSubnetEnv(path: string): void {
  onFiles(`removing ${path}`, () => rmSync(path, { force: true }));
}
