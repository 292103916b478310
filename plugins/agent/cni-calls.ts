import { lstatSync } from 'node:fs';
import { sleep } from '../../lib/client/backoff.ts';
import { Problems } from '../../lib/daemon/problems.ts';
import { ifExists } from '../../lib/errors/system-error.ts';
import type { StartWorker, Worker } from '../../lib/exec/start-worker.ts';
import type { Log, LogFormat } from '../../lib/log/log.ts';
import { takeFallbacks } from '../../lib/resident/fallbacks.ts';
import { type CallSocket, listenForCalls } from '../../lib/resident/listen.ts';
import { callSocketPath, fallbacksPath, workerCommand } from '../../lib/resident/places.ts';
import type { Report } from '../../lib/resident/report.ts';
import { createReportReader } from '../../lib/resident/report-reader.ts';
import type { CniCounts, CniStatus } from '../../lib/resident/status.ts';
import { Tally } from '../../lib/resident/tally.ts';
import type { CniSettings } from './cni-config.ts';
import { Workers } from './workers.ts';

/** What CNI calls are served with. */
export type CniCallsParts = {
  readonly settings: CniSettings;
  readonly startWorker: StartWorker;
  readonly log: Log;
  /** In which the workers log. */
  readonly logFormat: LogFormat;
};

/** How often the socket is tried for, and looked at. */
const socketMs = 2_000;
const fallbacksMs = 5_000;

/** Serves CNI calls. What stands in the way is a problem of the agent's, never its end: names are still to be answered. */
export class CniCalls {
  readonly #parts: CniCallsParts;
  readonly #problems: Problems;
  readonly #tally = new Tally();
  readonly #listeners: ((report: Report) => void)[] = [];
  #workers: Workers | undefined;
  #pastRestarts = 0;

  constructor(parts: CniCallsParts) {
    this.#parts = parts;
    this.#problems = new Problems(parts.log);
  }

  /** Has every report told, for measures of their own. */
  onReport(listener: (report: Report) => void): void {
    this.#listeners.push(listener);
  }

  /** What keeps calls from being served. */
  get problems(): readonly string[] {
    return [...this.#problems.all, ...(this.#workers?.problems ?? [])];
  }

  counts(): CniCounts {
    this.#takeFallbacks();
    const { calls, fallbacks } = this.#tally;
    const workers = {
      wanted: this.#parts.settings.workers,
      running: this.#workers?.running ?? 0,
      restarts: this.#pastRestarts + (this.#workers?.restarts ?? 0),
    };
    return { workers, calls, fallbacks };
  }

  status(): CniStatus {
    const { phases } = this.#tally;
    const { problems } = this;
    const isServing = this.#workers !== undefined;
    return { socket: callSocketPath, isServing, ...this.counts(), phases, problems };
  }

  /** Works until the signal, and then until the calls in hand are finished. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#serve(signal), this.#followFallbacks(signal)]);
  }

  async #serve(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const socket = this.#open();
      if (socket === undefined) await sleep(socketMs, signal);
      else await this.#serveAt(socket, signal);
    }
  }

  /** Undefined where it cannot be had. */
  #open(): CallSocket | undefined {
    let socket: CallSocket | undefined;
    this.#problems.try('serving CNI calls', () => {
      socket = listenForCalls(callSocketPath, this.#parts.settings.queue);
    });
    return socket;
  }

  /** Until the signal, or until the socket's file is no longer ours: then nobody would find it any more. */
  async #serveAt(socket: CallSocket, signal: AbortSignal): Promise<void> {
    const { settings, log } = this.#parts;
    const own = identifySocket();
    const workers = new Workers({ count: settings.workers, start: () => this.#startWorker(socket.fd), log });
    this.#workers = workers;
    log.info('serving CNI calls', { socket: callSocketPath, workers: settings.workers });
    while (!signal.aborted && identifySocket() === own) await sleep(socketMs, signal);
    if (!signal.aborted) log.warn('the socket for CNI calls was removed or replaced; it is made anew');
    await this.#end(socket, workers);
  }

  async #end(socket: CallSocket, workers: Workers): Promise<void> {
    // Whoever comes now executes the call by itself; the workers finish those that they have.
    socket.end();
    this.#workers = undefined;
    this.#pastRestarts += workers.restarts;
    await workers[Symbol.asyncDispose]();
  }

  #startWorker(fd: number): Worker {
    const options = { agent: process.pid, netlink: this.#parts.settings.netlink, log: this.#parts.logFormat };
    return this.#parts.startWorker({
      args: [workerCommand, JSON.stringify(options)],
      fd,
      tell: createReportReader((report) => this.#take(report)),
    });
  }

  #take(report: Report): void {
    this.#tally.addReport(report);
    for (const listener of this.#listeners) listener(report);
  }

  async #followFallbacks(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#takeFallbacks();
      await sleep(fallbacksMs, signal);
    }
  }

  #takeFallbacks(): void {
    this.#problems.try('reading which calls clients have executed', () => {
      for (const fallback of takeFallbacks(fallbacksPath)) this.#tally.addFallback(fallback);
    });
  }
}

/** Undefined where there is none. */
function identifySocket(): number | undefined {
  return ifExists(() => lstatSync(callSocketPath).ino);
}
