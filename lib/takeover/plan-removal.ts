import { CniError, ErrorCode } from '../errors/cni-error.ts';
import type { ForeignRule } from './rule.ts';
import type { Trace } from './trace.ts';

/** What goes of one place: the lines that delete rules, and chains that nothing leads to any more. */
export type Removal = { readonly deletions: readonly string[]; readonly chains: readonly string[] };

/**
 * What of a trace is to go.
 * @param rules those of the trace's table
 * @throws CniError for a rule whose text cannot be handed on
 */
export function planRemoval(trace: Trace, rules: readonly ForeignRule[]): Removal {
  const own = rules.filter((rule) => rule.chain === trace.chain && trace.isOwn(rule));
  const [first] = trace.owned;
  const isStillLedTo =
    first !== undefined && rules.some((rule) => rule.target === first && !own.includes(rule));
  return { deletions: own.map(deletionOf), chains: isStillLedTo ? [] : trace.owned };
}

function deletionOf({ chain, deletion, comment }: ForeignRule): string {
  if (deletion !== undefined) return deletion;
  throw new CniError(
    ErrorCode.internal,
    `a rule of chain ${chain} has a text that cannot be handed on; delete it by hand`,
    { details: `its comment is ${JSON.stringify(comment)}` },
  );
}
