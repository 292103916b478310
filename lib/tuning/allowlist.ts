import { readFileSync } from 'node:fs';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { ifExists, onFiles } from '../errors/system-error.ts';
import type { Sysctl } from './sysctl.ts';

/** Where an operator says which kernel settings configurations may change. */
const allowlistPath = '/etc/cni/tuning/allowlist.conf';

/**
 * Refuses settings that no line of the list matches; where there is no list, every one may be set. A line is a regular
 * expression, and matches anywhere in a name as the configuration has it.
 * @throws CniError code 7 for a setting that is not on the list, code 5 for a list that cannot be read
 */
export function requireAllowed(sysctls: readonly Sysctl[], path = allowlistPath): void {
  if (sysctls.length === 0) return;
  const text = onFiles(`reading ${path}`, () => ifExists(() => readFileSync(path, 'utf8')));
  if (text === undefined) return;
  const patterns = parseAllowlist(text, path);
  const refused = sysctls.find(({ name }) => !patterns.some((pattern) => pattern.test(name)));
  if (refused === undefined) return;
  throw new CniError(
    ErrorCode.invalidConfig,
    `sysctl: ${refused.name} is not allowed by ${path}; add a line there that matches it, or remove the setting`,
  );
}

function parseAllowlist(text: string, path: string): readonly RegExp[] {
  return text
    .split('\n')
    .map((line, index) => ({ line: line.trim(), place: `${path}:${index + 1}` }))
    .filter(({ line }) => line !== '')
    .map(({ line, place }) => toPattern(line, place));
}

function toPattern(line: string, place: string): RegExp {
  try {
    return new RegExp(line);
  } catch (error) {
    throw new CniError(
      ErrorCode.invalidConfig,
      `${place}: ${JSON.stringify(line)} is no regular expression`,
      {
        cause: error,
      },
    );
  }
}
