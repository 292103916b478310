import type { Etcd } from '../../lib/etcd/etcd.ts';
import { type Followed, follow } from '../../lib/etcd/follow.ts';
import type { Log } from '../../lib/log/log.ts';
import { type EtcdRecord, instancesPrefix } from '../../lib/mirror/etcd/record.ts';
import { EtcdRecordTable } from '../../lib/mirror/etcd/record-table.ts';
import type { ImportChange, Imports } from '../../lib/registry/imports.ts';

export type PeerImportOptions = {
  readonly etcd: Etcd;
  readonly prefix: string;
  readonly imports: Imports;
  readonly log: Log;
  /** Called when the cluster is there again. */
  readonly onConnected: () => void;
};

/** The name under which etcd's instances are in `Imports`. */
const source = 'etcd';
/** So often everything is read again, in milliseconds: a watch leaves nothing out, and there may be much. */
const wholeEveryMs = 300_000;
/** For so long the instances of others are waited for at the start, in milliseconds. */
const settleMs = 1_000;
/** Who writes nonsense may write much of it: so often it is told at most, in milliseconds. */
const complaintPauseMs = 10_000;

/**
 * Brings what other hosts have written to etcd into `Imports`. While the cluster is away, what was last known stays; a
 * host whose lease has ended is gone.
 */
export class PeerImport {
  readonly #options: PeerImportOptions;
  readonly #records: EtcdRecordTable;
  readonly #settled = Promise.withResolvers<void>();
  #state: 'beginning' | 'connected' | 'lost' = 'beginning';
  #nonsense = 0;
  #complainedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: PeerImportOptions) {
    this.#options = options;
    this.#records = new EtcdRecordTable(options.prefix);
  }

  get isConnected(): boolean {
    return this.#state === 'connected';
  }

  /** Records since the start that nobody understands. */
  get nonsense(): number {
    return this.#nonsense;
  }

  /** Resolves when the instances of the others are known, or the cluster cannot be reached soon. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** Until the signal; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { etcd, prefix } = this.#options;
    const timer = setTimeout(() => this.#settled.resolve(), settleMs);
    const tell = (followed: Followed) => this.#follow(followed);
    await follow({ etcd, prefix: instancesPrefix(prefix), tell, wholeEveryMs }, signal);
    clearTimeout(timer);
    this.#settled.resolve();
  }

  #follow(followed: Followed): void {
    if (followed.kind === 'lost') this.#lose(followed.because);
    else this.#take(followed);
    this.#settled.resolve();
  }

  #lose(because: string): void {
    this.#state = 'lost';
    const { log, imports } = this.#options;
    log.warn('etcd is away; what other hosts had is still answered', { because, instances: imports.size });
  }

  #take(step: Exclude<Followed, { kind: 'lost' }>): void {
    const { put, removed, problems } = this.#records.follow(step);
    const { imports } = this.#options;
    if (step.kind === 'whole')
      imports.replace(
        source,
        this.#records
          .records()
          .filter(isOwners)
          .map(({ instance }) => instance),
      );
    else imports.apply(source, [...removed.map(toRemoval), ...put.map(toChange)]);
    this.#complain([...problems, ...put.filter((record) => !isOwners(record)).map(toProblem)]);
    if (step.kind === 'whole' && this.#state !== 'connected') this.#connect();
  }

  #connect(): void {
    this.#state = 'connected';
    const { log, imports, onConnected } = this.#options;
    log.info('following the names of other hosts', { instances: imports.size });
    onConnected();
  }

  #complain(problems: readonly string[]): void {
    const [problem] = problems;
    if (problem === undefined) return;
    this.#nonsense += problems.length;
    if (performance.now() - this.#complainedAtMs < complaintPauseMs) return;
    this.#complainedAtMs = performance.now();
    const message = 'what stands in etcd is no instance of a host, and is left out';
    this.#options.log.warn(message, { problem, soFar: this.#nonsense });
  }
}

/** A host speaks for its own containers only. */
function isOwners({ node, instance }: EtcdRecord): boolean {
  return instance.owner.node === node;
}

function toRemoval({ node, id }: { readonly node: string; readonly id: string }): ImportChange {
  return { kind: 'remove', node, id };
}

function toChange(record: EtcdRecord): ImportChange {
  const { node, instance } = record;
  return isOwners(record) ? { kind: 'put', instance } : toRemoval({ node, id: instance.id });
}

function toProblem({ node, instance: { id, owner } }: EtcdRecord): string {
  return `${node}/${id}: says that it is of the host ${owner.node}`;
}
