import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { Outcome } from '../../lib/exec/command.ts';
import { run } from './process.ts';

const root = resolve(import.meta.dirname, '../..');

/** Runs lines of bash with the functions of scripts/containers.sh; what they take as `$1` and on are the arguments. */
export function runContainersScript(
  lines: string,
  args: readonly string[],
  options: { readonly timeoutMs?: number } = {},
): Promise<Outcome> {
  const script = `cd ${root}; . scripts/setup.sh; . scripts/containers.sh; ${lines}`;
  return run({
    file: 'bash',
    args: ['-euo', 'pipefail', '-c', script, 'bash', ...args],
    env: { PATH: process.env.PATH, HOME: homedir() },
    ...options,
  });
}
