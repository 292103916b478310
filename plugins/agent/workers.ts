import { sleep } from '../../lib/client/backoff.ts';
import type { Worker } from '../../lib/exec/start-worker.ts';
import type { Log } from '../../lib/log/log.ts';

/** What workers are kept with. */
export type WorkersParts = {
  readonly count: number;
  readonly start: () => Worker;
  readonly log: Log;
};

const firstPauseMs = 100;
const longestPauseMs = 5_000;
/** A worker that has lived for so long is one that works. */
const provenMs = 10_000;
/** From so many ends in a row on, it is no accident. */
const alarmingEnds = 3;
/** For the call in hand; a runtime has given up by then, or soon will. */
const farewellMs = 20_000;

/** One worker after the other. */
type Place = { worker: Worker | undefined; startedAtMs: number; endsInRow: number; lastEnd: string };

/**
 * So many workers, each started again when it ends. Disposing waits until all have finished the call in hand; that there will
 * be no more calls, they see by their socket, which whoever disposes has ended before.
 */
export class Workers implements AsyncDisposable {
  readonly #parts: WorkersParts;
  readonly #places: readonly Place[];
  readonly #ended = new AbortController();
  readonly #all: Promise<unknown>;
  #restarts = 0;

  constructor(parts: WorkersParts) {
    this.#parts = parts;
    this.#places = Array.from({ length: parts.count }, () => ({
      worker: undefined,
      startedAtMs: 0,
      endsInRow: 0,
      lastEnd: '',
    }));
    this.#all = Promise.all(this.#places.map((place) => this.#keep(place)));
  }

  get running(): number {
    return this.#places.filter(({ worker }) => worker !== undefined).length;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** What keeps workers from working; one that has ended once is no problem. */
  get problems(): readonly string[] {
    const failing = this.#places.filter((place) => place.endsInRow >= alarmingEnds && !isProven(place));
    const [first] = failing;
    if (first === undefined) return [];
    return [
      `${failing.length} of ${this.#parts.count} workers end again and again, the last with ${first.lastEnd}; its log lines say why`,
    ];
  }

  async #keep(place: Place): Promise<void> {
    const { start, log } = this.#parts;
    const { signal } = this.#ended;
    while (!signal.aborted) {
      const worker = start();
      Object.assign(place, { worker, startedAtMs: performance.now() });
      const end = await worker.ended;
      const endsInRow = isProven(place) ? 1 : place.endsInRow + 1;
      Object.assign(place, { worker: undefined, lastEnd: end, endsInRow });
      if (signal.aborted) return;
      const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (endsInRow - 1));
      log.warn('a worker for CNI calls has ended, and is started again', { pid: worker.pid, end, pauseMs });
      this.#restarts += 1;
      await sleep(pauseMs, signal);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    const timer = setTimeout(() => this.#killAll(), farewellMs);
    await this.#all;
    clearTimeout(timer);
  }

  #killAll(): void {
    for (const { worker } of this.#places) {
      if (worker === undefined) continue;
      this.#parts.log.error('a CNI call has not ended in time, and is cut off', { pid: worker.pid });
      worker.kill();
    }
  }
}

function isProven({ worker, startedAtMs }: Place): boolean {
  return worker !== undefined && performance.now() - startedAtMs >= provenMs;
}
