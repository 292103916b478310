import { sleep } from '../client/backoff.ts';
import { messageOf } from '../errors/cni-error.ts';
import { hold, isHeld } from '../registry/presence.ts';
import type { Store } from '../registry/store.ts';
import type { MirrorConfig } from './config.ts';
import { Deliverer } from './delivery.ts';
import { needsAgent } from './summary.ts';
import { findTold, toldKey } from './told.ts';

/** What became of one mirror. */
export type InlineDelivery = Pick<MirrorConfig, 'name' | 'kind'> & {
  /** `waiting`: somebody else delivers, and has not come to it in time. */
  readonly state: 'delivered' | 'failed' | 'needs-agent' | 'waiting';
  /** Absent where it is delivered. */
  readonly because?: string;
};

export type InlineJob = {
  readonly mirrors: readonly MirrorConfig[];
  readonly store: Store;
  /** Up to which the mirrors are to be told. */
  readonly revision: number;
  /** For all of it, in milliseconds. */
  readonly timeoutMs: number;
  /** How much of that has passed already: whoever waits counts from where this process began. */
  readonly spentMs: number;
};

/**
 * Delivers without an agent, in a process that lives for that alone: what it writes is under no lease. Of several such
 * processes one delivers for all; where an agent has come meanwhile, its confirmation is waited for.
 */
export async function deliverInline(job: InlineJob): Promise<readonly InlineDelivery[]> {
  const limit = new AbortController();
  const timer = setTimeout(() => {
    limit.abort(new Error(`it has not confirmed within ${job.timeoutMs / 1000} s`));
  }, job.timeoutMs - job.spentMs);
  try {
    const direct = job.mirrors.filter((mirror) => !needsAgent(mirror));
    const failures = await deliverInTurn({ ...job, mirrors: direct }, limit.signal);
    return job.mirrors.map((mirror) => outcomeOf(mirror, job, failures));
  } finally {
    clearTimeout(timer);
  }
}

/** Between two looks at what others do, in milliseconds. */
const stepMs = 20;

/** @returns why mirrors have failed, by name; undefined where this process was never the one to deliver */
async function deliverInTurn(job: InlineJob, signal: AbortSignal): Promise<Failures | undefined> {
  using turn = await takeTurn(job, signal);
  if (turn === undefined) return undefined;
  const unserved = new Set(job.mirrors);
  const failures = new Map<string, string>();
  const serve = async (mirror: MirrorConfig) => {
    try {
      await serveOne({ mirror, store: job.store, unserved }, signal);
    } catch (error) {
      failures.set(mirror.name, messageOf(error));
    } finally {
      unserved.delete(mirror);
    }
  };
  await Promise.all(job.mirrors.map(serve));
  return failures;
}

type Failures = ReadonlyMap<string, string>;

/** Undefined once another one has told all mirrors, or when the time is over. */
async function takeTurn(job: InlineJob, signal: AbortSignal): Promise<Disposable | undefined> {
  while (!signal.aborted && !job.mirrors.every((mirror) => isTold(mirror, job))) {
    const turn = hold('delivery', job.store.path);
    if (turn !== undefined) return turn;
    await sleep(stepMs, signal);
  }
  return undefined;
}

/**
 * Delivers to one mirror, and, as long as others are not done, what comes meanwhile: the processes that wait for their turn
 * must not wait for a registry that stands still before theirs is told.
 */
async function serveOne(
  { mirror, store, unserved }: { mirror: MirrorConfig; store: Store; unserved: Set<MirrorConfig> },
  signal: AbortSignal,
): Promise<void> {
  await using registry = mirror.open({ node: store.node, session: 'none' });
  const deliverer = new Deliverer(store, registry, toldKey(mirror, 'none'));
  await deliverer.deliver(signal);
  unserved.delete(mirror);
  while (unserved.size > 0 && !signal.aborted) {
    await sleep(stepMs, signal);
    if (!isTold(mirror, { store, revision: store.revision() })) await deliverer.deliver(signal);
  }
}

/** What an agent has told ends with it. */
function isTold(mirror: MirrorConfig, { store, revision }: Pick<InlineJob, 'store' | 'revision'>): boolean {
  const told = findTold(store, mirror);
  return (
    told !== undefined &&
    told.revision >= revision &&
    (told.session === 'none' || isHeld('agent', store.path))
  );
}

function outcomeOf(mirror: MirrorConfig, job: InlineJob, failures: Failures | undefined): InlineDelivery {
  const { name, kind } = mirror;
  if (isTold(mirror, job)) return { name, kind, state: 'delivered' };
  if (needsAgent(mirror))
    return { name, kind, state: 'needs-agent', because: `only "fairlead agent" can deliver to ${kind}` };
  if (failures !== undefined)
    return { name, kind, state: 'failed', because: failures.get(name) ?? 'it has not confirmed' };
  const because = `another process delivers, and has not come to it within ${job.timeoutMs / 1000} s`;
  return { name, kind, state: 'waiting', because };
}
