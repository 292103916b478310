import { sleep } from '../client/backoff.ts';
import type { Listen } from '../exec/lines.ts';
import type { Log } from '../log/log.ts';
import { concerns, type Heard, monitor } from './monitor-line.ts';

export type KernelMonitorOptions = {
  readonly listen: Listen;
  readonly log: Log;
  /** Called for what may matter. */
  readonly wake: () => void;
};

/** After it has ended by itself, the monitor is started again so much later. */
const pauseMs = 2_000;

/** Wakes who compares the kernel with what it should be, as soon as somebody has changed it. */
export class KernelMonitor {
  readonly #options: KernelMonitorOptions;
  #heard: Heard = { devices: new Set(), outer: undefined };

  constructor(options: KernelMonitorOptions) {
    this.#options = options;
  }

  /** Says what matters, in the place of what was said before. */
  listenTo({ devices, outer }: { readonly devices?: readonly string[]; readonly outer?: string }): void {
    this.#heard = {
      devices: devices === undefined ? this.#heard.devices : new Set(devices),
      outer: outer ?? this.#heard.outer,
    };
  }

  /** Listens until the signal; what happened while nobody did is found by the comparison that follows. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, wake } = this.#options;
    while (!signal.aborted) {
      const because = await this.#listenOnce(signal);
      if (signal.aborted) return;
      log.warn('ip monitor has ended; it is started again', { because, pauseMs });
      await sleep(pauseMs, signal);
      wake();
    }
  }

  async #listenOnce(signal: AbortSignal): Promise<string> {
    const { listen, wake } = this.#options;
    await using listening = listen(monitor, (line) => {
      if (concerns(line, this.#heard)) wake();
    });
    const aborted = Promise.withResolvers<string>();
    signal.addEventListener('abort', () => aborted.resolve(''), { once: true });
    return await Promise.race([listening.ended, aborted.promise]);
  }
}
