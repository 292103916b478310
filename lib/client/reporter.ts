import type { Connection } from './connection.ts';
import type { ServiceInstance } from './service-instance.ts';

/** How one call went. */
export type CallReport = { readonly latencyMs: number; readonly failed: boolean };

/** What has been seen of one instance since the last time the agent was told. */
type Summary = {
  readonly service: string;
  readonly namespace: string;
  latencyMs: number;
  successes: number;
  failed: boolean;
};

const everyMs = 1_000;
const timeoutMs = 2_000;
/** Instances told of at a time; what is beyond is dropped, since the agent's own picks tell it the same soon. */
const mostAtATime = 100;

/**
 * Tells the agent how calls went, for its own picks: once a second at most and one report for each instance, the mean of
 * what succeeded and whether the last call failed. Best effort: nothing waits for it, nothing is tried again.
 */
export class Reporter implements Disposable {
  readonly #connection: Connection;
  readonly #summaries = new Map<string, Summary>();
  readonly #ended = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  note({ id, service, namespace }: ServiceInstance, { latencyMs, failed }: CallReport): void {
    if (this.#ended.signal.aborted) return;
    const summary = this.#summaries.get(id);
    if (summary === undefined && this.#summaries.size >= mostAtATime) return;
    const kept = summary ?? { service, namespace, latencyMs: 0, successes: 0, failed };
    kept.failed = failed;
    if (!failed) {
      kept.latencyMs += latencyMs;
      kept.successes++;
    }
    this.#summaries.set(id, kept);
    this.#timer ??= setTimeout(() => void this.#flush(), everyMs).unref();
  }

  [Symbol.dispose](): void {
    this.#ended.abort();
    clearTimeout(this.#timer);
  }

  async #flush(): Promise<void> {
    const summaries = [...this.#summaries];
    this.#summaries.clear();
    // One after the other: reports must not compete with the calls that they are about.
    for (const [id, summary] of summaries) {
      if (!(await this.#tell(id, summary))) break;
    }
    this.#timer = undefined;
    if (this.#summaries.size > 0 && !this.#ended.signal.aborted) {
      this.#timer = setTimeout(() => void this.#flush(), everyMs).unref();
    }
  }

  async #tell(id: string, { service, namespace, latencyMs, successes, failed }: Summary): Promise<boolean> {
    const latency = successes === 0 ? {} : { LatencyMs: Math.round(latencyMs / successes) };
    // The agent did not choose this instance, so it has no call under way to count as ended.
    const body = { ...latency, Failed: failed, Finished: false };
    const query = new URLSearchParams({ namespace });
    const path = `/v1/services/${encodeURIComponent(service)}/${encodeURIComponent(id)}/report?${query}`;
    const signal = AbortSignal.any([this.#ended.signal, AbortSignal.timeout(timeoutMs)]);
    try {
      await this.#connection.ask({ method: 'POST', path, body, signal });
      return true;
    } catch (error) {
      // Withdrawn meanwhile is the usual reason; where the agent itself is away, the others need not be tried.
      return error instanceof Error && 'status' in error && error.status !== undefined;
    }
  }
}
