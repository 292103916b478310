import { accessSync, constants } from 'node:fs';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import type { Machine } from '../exec/machine.ts';
import type { NetworkCall } from './dispatch.ts';
import { Fields } from './fields.ts';
import type { Verb } from './invocation.ts';
import type { Result } from './result.ts';
import { parseResult } from './result-parse.ts';

/**
 * Where a plugin's executable is.
 * @param type the plugin's name; it becomes part of a path, so it must be a bare file name
 * @throws CniError code 7 naming the directories that were searched
 */
export function findPlugin(type: string, pluginPath: readonly string[], field: string): string {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(type)) {
    throw new CniError(
      ErrorCode.invalidConfig,
      `${field}: expected the name of a plugin, found ${JSON.stringify(type)}`,
    );
  }
  const found = pluginPath.map((dir) => `${dir}/${type}`).find(isExecutable);
  if (found !== undefined) return found;
  throw new CniError(
    ErrorCode.invalidConfig,
    `${field}: plugin ${type} is in none of the directories of CNI_PATH (${pluginPath.join(', ')}); install it there`,
  );
}

/**
 * Executes a delegated plugin as the specification says (section 4): the caller's environment, the whole
 * configuration on stdin.
 * @returns what it printed, for `parseDelegateResult`
 * @throws CniError with the code that the plugin answered, or 999 where its answer is none
 */
export function runDelegate(path: string, verb: Verb, { conf, env }: NetworkCall, machine: Machine): string {
  const outcome = machine.run({
    file: path,
    args: [],
    stdin: JSON.stringify(conf.json),
    env: { ...env, CNI_COMMAND: verb },
  });
  if (outcome.status === 0) return outcome.stdout;
  throw delegateError(
    path,
    outcome.stdout,
    `${outcome.stderr.trim()} (exit ${outcome.status ?? 'not started'})`,
  );
}

/** The result that a delegate's ADD printed. */
export function parseDelegateResult(path: string, stdout: string, { conf }: NetworkCall): Result {
  return parseResult(parseOrUndefined(stdout), `the result of ${path}`, conf.cniVersion);
}

function delegateError(path: string, stdout: string, otherwise: string): CniError {
  const answer = parseOrUndefined(stdout);
  if (typeof answer !== 'object' || answer === null) {
    return new CniError(ErrorCode.internal, `${path} failed without a CNI error: ${otherwise}`);
  }
  const fields = new Fields(answer, `the error of ${path}`);
  const code = fields.integer('code', { min: 0, max: 2 ** 32 }) ?? ErrorCode.internal;
  const details = fields.string('details');
  return new CniError(
    code,
    `${path}: ${fields.string('msg') ?? otherwise}`,
    details === undefined ? {} : { details },
  );
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
