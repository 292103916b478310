import { inquire, outputOf, toError } from '../exec/inquiry.ts';
import type { Machine } from '../exec/machine.ts';
import { parseForeignRules, renderNftRemoval } from './nft.ts';
import { planRemoval } from './plan-removal.ts';
import type { ForeignRule } from './rule.ts';
import { signOf, type Trace } from './trace.ts';

/**
 * Removes what nftables has of an attachment, in one transaction: that of iptables, too, where iptables is nft's. By the
 * handles of the rules, so that no text of anybody's goes into a script and it does not matter whether iptables is
 * installed.
 * @throws CniError
 */
export function releaseFromNft(
  traces: readonly Trace[],
  machine: Pick<Machine, 'run' | 'findNftChains'>,
): void {
  const { run } = machine;
  const list = createLister(run);
  const lines = findTraces(traces, machine).flatMap((trace) =>
    renderNftRemoval(trace, planRemoval(trace, list(trace))),
  );
  if (lines.length === 0) return;
  const args = ['-f', '-'];
  const outcome = run({ file: 'nft', args, stdin: `${lines.join('\n')}\n` });
  if (outcome.status !== 0) throw toError('nft', args, outcome);
}

/** Those that have left something; nothing is started for the others. */
function findTraces(traces: readonly Trace[], machine: Pick<Machine, 'findNftChains'>): readonly Trace[] {
  const there = machine.findNftChains(traces.map((trace) => ({ ...signOf(trace), trace })));
  return there.map(({ trace }) => trace);
}

/** Lists each chain once. */
function createLister(run: Machine['run']): (trace: Trace) => readonly ForeignRule[] {
  const listed = new Map<string, readonly ForeignRule[]>();
  return ({ family, table, chain }) => {
    const place = [family, table, chain];
    const known = listed.get(place.join(' '));
    if (known !== undefined) return known;
    const rules = parseForeignRules(inquire(outputOf('nft', ['-j', 'list', 'chain', ...place]), run));
    listed.set(place.join(' '), rules);
    return rules;
  };
}
