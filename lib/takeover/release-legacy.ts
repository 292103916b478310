import type { Command, Outcome } from '../exec/command.ts';
import { toError } from '../exec/inquiry.ts';
import type { Machine } from '../exec/machine.ts';
import type { NftTableName } from '../exec/nft-names.ts';
import { parseSavedTable, renderRestore } from './iptables.ts';
import { planRemoval } from './plan-removal.ts';
import type { Trace } from './trace.ts';

/** What iptables of before nftables needs of the machine. */
type LegacyMachine = Pick<Machine, 'run' | 'readProc'>;

const families = {
  ip: { names: '/proc/net/ip_tables_names', program: 'iptables' },
  ip6: { names: '/proc/net/ip6_tables_names', program: 'ip6tables' },
} as const;

/** Seconds that another program may hold the lock of iptables. */
const lockSeconds = 5;

/** Which of the tables iptables of before nftables has in this thread's network namespace. */
export function findLegacyTables<T extends NftTableName>(
  wanted: readonly T[],
  { readProc }: LegacyMachine,
): readonly T[] {
  return (['ip', 'ip6'] as const).flatMap((family) => {
    const own = wanted.filter((one) => one.family === family);
    if (own.length === 0) return [];
    const names = (readProc(families[family].names) ?? '').split('\n');
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
  const { program } = families[family === 'ip6' ? 'ip6' : 'ip'];
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
