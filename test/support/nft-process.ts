import { readdirSync, readFileSync } from 'node:fs';
import { toCniError } from '../../lib/errors/cni-error.ts';
import { openHomeNftables } from '../../lib/exec/home-nftables.ts';
import { createInNetns } from '../../lib/exec/netns.ts';
import { carryOutRules } from '../../lib/exec/nft-shortcut.ts';
import { noShortcut } from '../../lib/exec/shortcut.ts';
import { createSpawnSyncRunner } from '../../lib/exec/spawn-runner.ts';
import { runBatch } from '../../lib/exec/tool.ts';
import type { NftOperation } from '../../lib/nft/operation.ts';
import { findIn } from '../../lib/nft/set-types.ts';
import { declaredSets } from '../../lib/rules/declared-sets.ts';
import type { NftAnswer, NftOrder } from './nft-batches.ts';

// Carries transactions out in its own namespace, as a file in JSON tells: with the shortcut or by nft alone.

const { way, batches, times, elsewhere } = JSON.parse(
  readFileSync(process.argv[2] ?? '', 'utf8'),
) as NftOrder;
const nftables = openHomeNftables();
const findTypes = findIn(declaredSets);
const inNetns = createInNetns(() => process.exit(1));
const spawn = createSpawnSyncRunner(process.env.PATH);
/** Rounds before what is measured, where there are many. */
const warmUp = times > 100 ? 50 : 0;
let processes = 0;
const sum = { processes: 0, errors: 0 };

const machine = {
  run: (command: Parameters<typeof spawn>[0]) => {
    processes += 1;
    return spawn(command);
  },
  shortcut: {
    ...noShortcut,
    carryOut: (batch: { readonly tool: string; readonly operations: readonly unknown[] }) =>
      way === 'nft' ? 0 : carryOutRules(batch.operations as readonly NftOperation[], { nftables, findTypes }),
  },
};

for (let round = 0; round < warmUp; round++) batches.forEach(carryOut);
const before = consumption();
const answers: NftAnswer[] = [];
for (let round = 0; round < times; round++) answers.splice(0, answers.length, ...batches.map(carryOut));
console.log(JSON.stringify({ answers, sum, before, after: consumption() }));

function carryOut(operations: readonly NftOperation[]): NftAnswer {
  processes = 0;
  const startedAt = performance.now();
  let error: string | undefined;
  try {
    if (elsewhere === undefined) runBatch({ place: 'host', tool: 'nft', operations }, machine);
    else inNetns(elsewhere, () => runBatch({ place: 'container', tool: 'nft', operations }, machine));
  } catch (thrown) {
    const { message, details } = toCniError(thrown);
    error = `${message}\n${details ?? ''}`;
  }
  sum.processes += processes;
  sum.errors += error === undefined ? 0 : 1;
  return { processes, tookMs: performance.now() - startedAt, ...(error === undefined ? {} : { error }) };
}

function consumption() {
  return { files: readdirSync('/proc/self/fd').length, bytes: process.memoryUsage.rss() };
}
