import type { Command, Outcome } from '../exec/command.ts';
import { toError } from '../exec/inquiry.ts';
import type { Machine } from '../exec/machine.ts';
import type { ForeignTable } from '../exec/nft-names.ts';
import { legacyTables } from '../iptables/legacy-tables.ts';
import { parseSavedTable, renderRestore } from './iptables.ts';
import { planRemoval } from './plan-removal.ts';
import type { Trace } from './trace.ts';

/** What iptables of before nftables needs of the machine. */
type LegacyMachine = Pick<Machine, 'run' | 'readProc'>;

/** Seconds that another program may hold the lock of iptables. */
const lockSeconds = 5;

/** Which of the tables iptables of before nftables has in this thread's network namespace. */
export function findLegacyTables<T extends ForeignTable>(
  wanted: readonly T[],
  machine: LegacyMachine,
): readonly T[] {
  return (['ip', 'ip6'] as const).flatMap((protocol) => {
    const own = wanted.filter(({ family }) => family === protocol);
    if (own.length === 0) return [];
    const names = legacyTables(protocol, machine);
    return own.filter(({ table }) => names.includes(table));
  });
}

/**
 * Removes what the tables of iptables of before nftables have of an attachment, in one transaction for each. Nothing
 * happens where its programs are not installed.
 * @param traces those in tables that are there
 * @throws CniError
 */
export function releaseFromLegacy(traces: readonly Trace[], machine: LegacyMachine): void {
  const byTable = Map.groupBy(traces, ({ family, table }) => `${family} ${table}`);
  for (const group of byTable.values()) releaseFromTable(group, machine);
}

function releaseFromTable(traces: readonly Trace[], { run }: LegacyMachine): void {
  const [{ family, table } = { family: 'ip', table: '' }] = traces;
  const program = family === 'ip6' ? 'ip6tables' : 'iptables';
  const saved = runLegacy({ program, tool: 'save', args: ['-t', table] }, run);
  if (saved === undefined) return;
  const listing = parseSavedTable(saved.stdout);
  const removals = traces.map((trace) => planRemoval(trace, listing.rules));
  const script = renderRestore(table, removals, listing);
  if (script === undefined) return;
  runLegacy({ program, tool: 'restore', args: ['--noflush', `--wait=${lockSeconds}`], stdin: script }, run);
}

type LegacyCommand = Pick<Command, 'args' | 'stdin'> & {
  readonly program: 'iptables' | 'ip6tables';
  readonly tool: 'save' | 'restore';
};

/** Before release 1.8 there was one iptables, without a word in its name. Undefined where neither is installed. */
function runLegacy({ program, tool, ...rest }: LegacyCommand, run: Machine['run']): Outcome | undefined {
  for (const file of [`${program}-legacy-${tool}`, `${program}-${tool}`]) {
    const outcome = run({ file, ...rest });
    if (outcome.status === undefined) continue;
    if (outcome.status !== 0) throw toError(file, rest.args, outcome);
    return outcome;
  }
  return undefined;
}
