import { messageOf } from '../errors/cni-error.ts';
import type { Log } from '../log/log.ts';
import type { InstanceUpdate } from '../registry/store.ts';
import type { RegistryView } from '../registry/view.ts';
import type { Clock } from './clock.ts';
import type { CheckedStatus } from './judge.ts';

/** What is to become of an instance. */
type Verdict = CheckedStatus | 'removed';

/** Verdicts of this time go out together; of the second that detection may take, it is a small part. */
const batchMs = 10;
/** After a failed transaction. */
const retryMs = 1_000;

export type StatusWriterOptions = {
  readonly view: Pick<RegistryView, 'refresh' | 'get'>;
  /** One transaction; throws where the store fails. */
  readonly setStatus: (updates: ReadonlyMap<string, InstanceUpdate>) => void;
  /** One transaction; throws where the store fails. */
  readonly remove: (ids: readonly string[]) => void;
  readonly clock: Clock;
  readonly log: Pick<Log, 'error'>;
};

/**
 * Takes verdicts one by one and writes them in transactions of many. A later verdict on the same instance replaces one
 * that is not written yet. What has been set to draining or maintenance meanwhile is left alone.
 */
export class StatusWriter implements Disposable {
  readonly #options: StatusWriterOptions;
  readonly #pending = new Map<string, Verdict>();
  #cancel: (() => void) | undefined;
  #writes = 0;
  #failures = 0;
  #removed = 0;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  /** Transactions made, those that failed, and instances removed, from the start. */
  get counts(): { readonly writes: number; readonly writeFailures: number; readonly removed: number } {
    return { writes: this.#writes, writeFailures: this.#failures, removed: this.#removed };
  }

  set(id: string, verdict: Verdict): void {
    this.#pending.set(id, verdict);
    this.#flushIn(batchMs);
  }

  pendingOf(id: string): Verdict | undefined {
    return this.#pending.get(id);
  }

  /** Writes what is pending, if that succeeds. */
  [Symbol.dispose](): void {
    this.#flush();
    this.#cancel?.();
  }

  #flushIn(delayMs: number): void {
    this.#cancel ??= this.#options.clock.after(delayMs, () => {
      this.#cancel = undefined;
      this.#flush();
    });
  }

  #flush(): void {
    try {
      // Its listeners are told first: they may change what is pending.
      this.#options.view.refresh();
      this.#write();
      // What is left has gone, is drained, or has that status already.
      this.#pending.clear();
    } catch (error) {
      this.#failures++;
      this.#options.log.error(
        `writing what health checks found: ${messageOf(error)}; trying again in ${retryMs / 1000} s`,
      );
      this.#flushIn(retryMs);
    }
  }

  #write(): void {
    const updates = new Map<string, InstanceUpdate>();
    const removed: string[] = [];
    for (const [id, verdict] of this.#pending) {
      if (!this.#isToWrite(id, verdict)) continue;
      if (verdict === 'removed') removed.push(id);
      else updates.set(id, { status: verdict });
    }
    this.#commit([...updates.keys()], () => this.#options.setStatus(updates));
    this.#commit(removed, () => this.#options.remove(removed));
    this.#removed += removed.length;
  }

  #isToWrite(id: string, verdict: Verdict): boolean {
    const status = this.#options.view.get(id)?.status;
    return (status === 'passing' || status === 'critical') && status !== verdict;
  }

  #commit(ids: readonly string[], write: () => void): void {
    if (ids.length === 0) return;
    write();
    this.#writes++;
    for (const id of ids) this.#pending.delete(id);
  }
}
