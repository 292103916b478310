import type { Run } from '../exec/command.ts';
import { runBatchAsync } from '../exec/tool.ts';
import type { NftOperation } from '../nft/operation.ts';
import { describeOwner, type LackingRecord, type Restoration } from './restore.ts';

/** What came of writing: who has his rules again, and what stands in the way of the others, in words. */
export type Written = { readonly restored: readonly LackingRecord[]; readonly failures: readonly string[] };

/** So many transactions are tried in one go: where nothing can be written, not one for each attachment. */
const mostTries = 40;

/**
 * Writes what is missing in one transaction. Where that fails, what attachments have in common comes first and the rest is
 * split until only those are left out whose rules cannot be written: one conflict is not to hold up the others.
 */
export async function writeMissing(
  { shared, own }: Omit<Restoration, 'conflicts'>,
  run: Run,
): Promise<Written> {
  const [failure] = await write([...shared, ...operationsOf(own)], run);
  if (failure === undefined) return { restored: own, failures: [] };
  if (own.length === 0) return { restored: [], failures: [failure] };
  const [common] = await write(shared, run);
  if (common !== undefined) return { restored: [], failures: [common] };
  return writeSplit(own, failure, { run, triesLeft: mostTries });
}

type Trying = { readonly run: Run; triesLeft: number };

/** @param because why they could not be written all at once */
async function writeSplit(own: readonly LackingRecord[], because: string, trying: Trying): Promise<Written> {
  const [first] = own;
  if (first === undefined) return { restored: [], failures: [] };
  if (own.length === 1)
    return { restored: [], failures: [`${describeOwner(first.record.owner)}: ${because}`] };
  const middle = Math.ceil(own.length / 2);
  const halves = [await writePart(own.slice(0, middle), trying), await writePart(own.slice(middle), trying)];
  return {
    restored: halves.flatMap(({ restored }) => restored),
    failures: halves.flatMap(({ failures }) => failures),
  };
}

async function writePart(own: readonly LackingRecord[], trying: Trying): Promise<Written> {
  if (trying.triesLeft === 0)
    return { restored: [], failures: own.map(({ record }) => `${describeOwner(record.owner)}: not tried`) };
  trying.triesLeft -= 1;
  const [failure] = await write(operationsOf(own), trying.run);
  return failure === undefined ? { restored: own, failures: [] } : writeSplit(own, failure, trying);
}

function operationsOf(own: readonly LackingRecord[]): readonly NftOperation[] {
  return own.flatMap(({ lacking }) => lacking);
}

/** One transaction. @returns why it failed; nothing where it did not */
async function write(operations: readonly NftOperation[], run: Run): Promise<readonly string[]> {
  const failures = await runBatchAsync({ place: 'host', tool: 'nft', operations }, run);
  return failures.map(({ message }) => message);
}

/** Takes rules away in one transaction. @throws CniError where it fails: somebody else has taken some of them meanwhile */
export async function clearRules(operations: readonly NftOperation[], run: Run): Promise<void> {
  const [failure] = await runBatchAsync({ place: 'host', tool: 'nft', operations }, run);
  if (failure !== undefined) throw failure;
}
