import type { Log } from '../log/log.ts';
import { Repeats } from './repeats.ts';

/** What others took from the kernel and a daemon put back; texts and numbers only, as they go out in JSON. */
export type DriftStatus = {
  /** How often the kernel was not as it had been left, since the agent began. */
  readonly repairs: number;
  /** The last of them, in words. */
  readonly last: readonly string[];
  /** As in RFC 3339. */
  readonly lastAt?: string;
};

/** So many repairs of one comparison are told in words; the kernel may have lost hundreds of entries at once. */
const mostTold = 5;

/** Counts and logs what had to be repaired. */
export class Drift {
  readonly #log: Log;
  readonly #repeats = new Repeats();
  #status: DriftStatus = { repairs: 0, last: [] };

  constructor(log: Log) {
    this.#log = log;
  }

  get status(): DriftStatus {
    return this.#status;
  }

  /** What a comparison with the kernel has done although nothing else was wished than before. */
  note(done: readonly string[]): void {
    if (done.length === 0) return;
    const more = done.length > mostTold ? [`and ${done.length - mostTold} more`] : [];
    const last = [...done.slice(0, mostTold), ...more];
    this.#warn(last.join('; '));
    this.#status = { repairs: this.#status.repairs + 1, last, lastAt: new Date().toISOString() };
  }

  /** Somebody who takes away the same thing again and again must not fill the log. */
  #warn(by: string): void {
    const untold = this.#repeats.take(by);
    if (untold === undefined) return;
    const since = untold === 0 ? {} : { untold };
    this.#log.warn('the kernel was not as it had been left; repaired', { by, ...since });
  }
}
