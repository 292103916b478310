import { CniError } from '../../lib/errors/cni-error.ts';
import { CommandFailure } from '../../lib/errors/command-failure.ts';
import { carryOutLinks } from '../../lib/exec/link-shortcut.ts';
import { createInNetns } from '../../lib/exec/netns.ts';
import { noShortcut, type Shortcut } from '../../lib/exec/shortcut.ts';
import { createSpawnSyncRunner } from '../../lib/exec/spawn-runner.ts';
import { runBatch } from '../../lib/exec/tool.ts';
import { failingBatch, firstBatches, randomBatch } from './link-operations.ts';
import { readLinkState } from './link-state.ts';
import { Random } from './random.ts';

// Carries a batch out that fails, and random ones, in its own namespace and in a container's, by `ip` or by the shortcut, and prints in JSON
// what came of each: its failure, what the kernel then has, and how many operations needed no process.
// Arguments: seed, number of rounds, "ip" or "netlink", and the path of the container's namespace.

const [seed, rounds, way, containerPath = ''] = process.argv.slice(2);
const batchesInRound = 10;
const random = new Random(Number(seed));
const run = createSpawnSyncRunner(process.env.PATH);
const inNetns = createInNetns(() => process.exit(1));
let done = 0;

const shortcut: Shortcut = {
  ...noShortcut,
  carryOut: (batch) => {
    const count = way === 'netlink' && batch.tool === 'ip' ? carryOutLinks(batch.operations) : 0;
    done += count;
    return count;
  },
};

const randomBatches = Array.from({ length: Number(rounds) }, () => [
  ...firstBatches(random, containerPath),
  ...Array.from({ length: batchesInRound }, () => randomBatch(random, containerPath)),
]).flat();
const reports = [failingBatch, ...randomBatches].map(({ place, operations, goOn }) => {
  const failure = failureOf(() => {
    const work = () => runBatch({ place, tool: 'ip', operations }, { run, shortcut }, goOn);
    if (place === 'host') work();
    else inNetns(containerPath, work);
  });
  const kinds = operations.map(({ kind }) => kind);
  return {
    kinds,
    failure,
    host: readLinkState(run),
    container: inNetns(containerPath, () => readLinkState(run)),
  };
});
console.log(JSON.stringify({ reports, done }));

function failureOf(work: () => void): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    if (!(error instanceof CniError) || !(error.cause instanceof CommandFailure)) throw error;
    return { message: error.message, facts: error.cause.facts };
  }
}
