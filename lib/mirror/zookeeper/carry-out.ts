import type { ZooKeeperClient } from '../../zookeeper/client.ts';
import type { Step } from '../../zookeeper/operation.ts';
import { isZooKeeperError, type ZooKeeperError } from '../../zookeeper/zookeeper-error.ts';
import type { Refusal } from '../mirror.ts';
import { pipelined } from './pipelined.ts';
import { parseKey, type Tree } from './tree.ts';

/** What has come of a write: it is to be done again after others have come between, or after the service's node is made. */
export type Outcome = 'done' | 'again' | 'no-service' | Refusal;

/** One entry's write, in two ways. */
export type Task = {
  readonly key: string;
  /** Of its content. */
  readonly bytes: number;
  /** What it mostly takes, for many in one step; undefined where the entry must be looked at first. */
  readonly steps: (() => readonly Step[]) | undefined;
  /** By itself, whatever is there. */
  readonly alone: () => Promise<Outcome>;
};

/** How often nodes may come and go between two steps of ours. */
const mostRounds = 5;

/**
 * Carries out many writes: each that must be looked at by itself; the others many in one step, which an ensemble takes as
 * fast as a single one, and by themselves where something is in the way of that.
 * @returns those that were refused @throws ZooKeeperError for what concerns all
 */
export async function carryOut(
  tasks: readonly Task[],
  { client, tree }: { readonly client: ZooKeeperClient; readonly tree: Tree },
  signal: AbortSignal,
): Promise<readonly Refusal[]> {
  const refusals: Refusal[] = [];
  let left = tasks;
  for (let round = 0; left.length > 0; round++) {
    if (round === mostRounds) throw new Error(`zookeeper: below ${tree.base} nodes come and go`);
    const outcomes = await carryOutOnce(left, client, signal);
    refusals.push(...outcomes.values().filter((outcome) => typeof outcome !== 'string'));
    const homeless = left.filter((task) => outcomes.get(task) === 'no-service');
    await makeServices(homeless, tree, signal);
    left = [...homeless, ...left.filter((task) => outcomes.get(task) === 'again')];
  }
  return refusals;
}

async function carryOutOnce(
  tasks: readonly Task[],
  client: ZooKeeperClient,
  signal: AbortSignal,
): Promise<ReadonlyMap<Task, Outcome>> {
  const outcomes = new Map<Task, Outcome>();
  const batches = toBatches(tasks.filter(({ steps }) => steps !== undefined));
  const trials = await pipelined(batches, (batch) => tryBatch(batch, client), signal, batchesAtOnce);
  for (const [at, batch] of batches.entries()) {
    const outcome = trials[at];
    if (outcome !== undefined) for (const task of batch) outcomes.set(task, outcome);
  }
  const alone = tasks.filter((task) => !outcomes.has(task));
  const each = await pipelined(alone, carryOutAlone, signal);
  for (const [at, task] of alone.entries()) outcomes.set(task, each[at] ?? 'again');
  return outcomes;
}

/** Enough that the steps of an ensemble cost little; far less than the 1 MiB that a server takes. */
const mostTasks = 64;
const mostBytes = 256 * 1024;
const batchesAtOnce = 8;

function toBatches(tasks: readonly Task[]): readonly (readonly Task[])[] {
  const batches: Task[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const task of tasks) {
    const more = task.bytes;
    const last = batches.at(-1);
    if (last === undefined || last.length === mostTasks || bytes + more > mostBytes) {
      batches.push([task]);
      bytes = more;
    } else {
      last.push(task);
      bytes += more;
    }
  }
  return batches;
}

/** Undefined: each is to be carried out by itself. */
async function tryBatch(batch: readonly Task[], client: ZooKeeperClient): Promise<Outcome | undefined> {
  if (batch.length === 1) return undefined;
  const steps = batch.flatMap((task) => task.steps?.() ?? []);
  try {
    await client.multi(steps);
    return 'done';
  } catch (error) {
    const isOfService = steps.every(({ kind }) => kind === 'create') && isZooKeeperError(error, 'NONODE');
    if (isOfService) return 'no-service';
    if (isOfOne(error)) return undefined;
    throw error;
  }
}

async function carryOutAlone({ key, alone }: Task): Promise<Outcome> {
  try {
    return await alone();
  } catch (error) {
    if (isOfOne(error)) return { key, because: error.message };
    throw error;
  }
}

/** Whether it concerns one node, while others may be taken. */
function isOfOne(error: unknown): error is ZooKeeperError {
  return (
    isZooKeeperError(error, 'NOAUTH', 'NOTEMPTY', 'QUOTAEXCEEDED', 'NOCHILDRENFOREPHEMERALS') ||
    isZooKeeperError(error, 'NONODE', 'NODEEXISTS', 'BADVERSION', 'BADARGUMENTS')
  );
}

async function makeServices(tasks: readonly Task[], tree: Tree, signal: AbortSignal): Promise<void> {
  const [first, ...others] = new Set(tasks.map(({ key }) => parseKey(key)?.service ?? ''));
  // The first one makes what is above all of them.
  if (first !== undefined) await pipelined([first], (service) => tree.makeService(service), signal);
  await pipelined(others, (service) => tree.makeService(service), signal);
}
