import { CniError, ErrorCode, toCniError } from '../errors/cni-error.ts';
import { isFailureOf } from '../errors/command-failure.ts';
import type { Machine } from '../exec/machine.ts';
import type { CreateElement } from '../nft/operation.ts';
import type { OwnRule } from './rules.ts';

/** nft says "File exists" for an element that somebody has: say what it is, and who. */
export function explainTakenElement(error: unknown, own: readonly OwnRule[], machine: Machine): unknown {
  const found = isFailureOf('nft', error) ? takenElement(own, machine) : undefined;
  return found === undefined ? error : taken(error, found);
}

/** The first of the elements that nobody else may have which somebody has; asks nft once for each. */
export function takenElement(own: readonly OwnRule[], machine: Machine): Taken | undefined {
  for (const rule of own) {
    if (rule.kind !== 'create-element') continue;
    const holder = holderOf(rule, machine);
    if (holder !== undefined) return { rule, holder };
  }
  return undefined;
}

type Taken = { readonly rule: CreateElement /** Its comment. */; readonly holder: string };

/**
 * The comment of the element in the kernel; undefined where there is none. Asked in text: of a map, nft (1.0.6) answers in
 * text although JSON is asked for.
 */
function holderOf({ table, set, key }: CreateElement, machine: Machine): string | undefined {
  const args = ['get', 'element', table.family, table.name, set, `{ ${key.join(' . ')} }`];
  const { status, stdout } = machine.run({ file: 'nft', args });
  return status === 0 ? (/ comment "([^"]*)"/.exec(stdout)?.[1] ?? '') : undefined;
}

function taken(error: unknown, { rule: { what, comment }, holder }: Taken): CniError {
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
