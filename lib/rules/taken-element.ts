import { CniError, ErrorCode, toCniError } from '../errors/cni-error.ts';
import { CommandFailure } from '../errors/command-failure.ts';
import type { Machine } from '../exec/machine.ts';
import type { CreateElement } from '../nft/operation.ts';
import { parseNftListing } from '../nft/parse.ts';
import type { OwnRule } from './rules.ts';

/** nft says "File exists" for an element that somebody has: say what it is, and who. */
export function explainTakenElement(error: unknown, own: readonly OwnRule[], machine: Machine): unknown {
  if (!isOfNft(error)) return error;
  for (const rule of own) {
    const holder = rule.kind === 'create-element' ? holderOf(rule, machine) : undefined;
    if (holder !== undefined && rule.kind === 'create-element') return taken(error, rule, holder);
  }
  return error;
}

function isOfNft(error: unknown): boolean {
  const cause = error instanceof CniError ? error.cause : error;
  return cause instanceof CommandFailure && cause.facts.argv[0] === 'nft';
}

/** The comment of the element in the kernel; undefined where there is none. */
function holderOf({ table, set, key }: CreateElement, machine: Machine): string | undefined {
  const element = `{ ${key.join(' . ')} }`;
  const args = ['-j', 'get', 'element', table.family, table.name, set, element];
  const { status, stdout } = machine.run({ file: 'nft', args });
  return status === 0 ? parseNftListing(stdout).elements[0]?.comment : undefined;
}

function taken(error: unknown, { what, comment }: CreateElement, holder: string): CniError {
  const isOwn = holder === comment;
  const who = isOwn ? `${holder}, this attachment itself, has` : `${holder || 'somebody'} has`;
  const remedy = isOwn
    ? 'DEL it first, and have only one plugin of the conflist ask for it'
    : 'DEL that container, or choose another';
  const { message, details } = toCniError(error);
  return new CniError(ErrorCode.internal, `${what} is taken: ${who} it; ${remedy}`, {
    cause: error,
    details: details === undefined ? message : `${message}; ${details}`,
  });
}
