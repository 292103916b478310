import { backoffMs, sleep } from './backoff.ts';
import type { Connection } from './connection.ts';
import { AgentFailure, ClientClosed, NoHealthyInstance, textOf } from './errors.ts';
import { EventStreamParser, type ServerEvent } from './event-stream.ts';
import { parseChanges, parseSnapshot, type ServiceInstance } from './service-instance.ts';

/** Which of a service's instances are wanted. */
export type Wanted = {
  /** A port's name or number. */
  readonly port?: string | number;
  readonly family?: 4 | 6;
  /** All of them. */
  readonly tags?: readonly string[];
};

export type ServiceCacheOptions = {
  readonly connection: Connection;
  readonly service: string;
  readonly namespace: string | undefined;
  /** Told of each instance that is there no longer. */
  readonly onGone: (id: string) => void;
  /** Told why the watch broke off; it goes on by itself. */
  readonly onProblem: (error: unknown) => void;
};

/** The agent says at least every 15 s that it is still there. */
const longestSilenceMs = 45_000;

/** Lists that were asked for are kept, so that the balancer meets the same list again; so many at most. */
const mostLists = 64;

/**
 * A service's instances, kept fresh by the agent's watch. While the agent is away, what was known last is served.
 */
export class ServiceCache implements Disposable {
  readonly #options: ServiceCacheOptions;
  readonly #instances = new Map<string, ServiceInstance>();
  readonly #lists = new Map<string, readonly ServiceInstance[]>();
  readonly #ended = new AbortController();
  #waiting = Promise.withResolvers<void>();
  #isKnown = false;
  #isConnected = false;
  #lastEventId: string | undefined;
  #retryMs = 0;
  #failures = 0;
  #problem: unknown;

  constructor(options: ServiceCacheOptions) {
    this.#options = options;
    this.#waiting.promise.catch(() => undefined);
    void this.#run();
  }

  /** Whether what is served is fresh. */
  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Every instance, healthy or not. */
  all(): readonly ServiceInstance[] {
    return [...this.#instances.values()];
  }

  /**
   * The healthy instances that are wanted, one for each attachment: a container with two ports must not be picked twice
   * as often. The same list until something changes.
   */
  healthy({ port, family, tags = [] }: Wanted): readonly ServiceInstance[] {
    const key = JSON.stringify([port, family, tags]);
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    const seen = new Set<string>();
    const list = this.all().filter((each) => {
      const fits =
        each.status === 'passing' &&
        (port === undefined || each.portName === port || String(each.port) === String(port)) &&
        (family === undefined || each.family === family) &&
        tags.every((tag) => each.tags.includes(tag));
      if (!fits || seen.has(each.attachment)) return false;
      seen.add(each.attachment);
      return true;
    });
    if (this.#lists.size >= mostLists) this.#lists.clear();
    this.#lists.set(key, list);
    return list;
  }

  /**
   * Resolves once the agent has said what there is; at once where it ever has.
   * @throws AgentFailure where it refuses to, NoHealthyInstance where it does not within that time
   */
  async known(withinMs: number): Promise<void> {
    if (this.#isKnown) return;
    if (this.#problem instanceof AgentFailure && this.#problem.isRefusal) throw this.#problem;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(this.#unheard(withinMs)), withinMs);
    try {
      await Promise.race([this.#waiting.promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  [Symbol.dispose](): void {
    this.#ended.abort();
    this.#waiting.reject(new ClientClosed());
  }

  #unheard(withinMs: number): NoHealthyInstance {
    const reason = this.#problem === undefined ? 'it has not answered' : textOf(this.#problem);
    const told = `the agent has not said within ${withinMs} ms which instances there are: ${reason}`;
    return new NoHealthyInstance(this.#options.service, told, this.#problem);
  }

  async #run(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      try {
        await this.#follow();
      } catch (error) {
        this.#fail(error);
      }
      this.#isConnected = false;
      this.#failures++;
      await sleep(Math.max(this.#retryMs, backoffMs(this.#failures)), this.#ended.signal);
    }
  }

  #fail(error: unknown): void {
    if (this.#ended.signal.aborted) return;
    this.#problem = error;
    this.#options.onProblem(error);
    if (this.#isKnown || !(error instanceof AgentFailure && error.isRefusal)) return;
    this.#waiting.reject(error);
    this.#waiting = Promise.withResolvers<void>();
    this.#waiting.promise.catch(() => undefined);
  }

  /** One connection, until the agent ends it. */
  async #follow(): Promise<void> {
    const { connection, service, namespace } = this.#options;
    const query = new URLSearchParams({ service, ...(namespace === undefined ? {} : { namespace }) });
    const silent = new AbortController();
    const signal = AbortSignal.any([this.#ended.signal, silent.signal]);
    const timer = setTimeout(() => silent.abort(new Error('the agent fell silent')), longestSilenceMs);
    try {
      const stream = await connection.open({
        method: 'GET',
        path: `/v1/watch?${query}`,
        headers: {
          accept: 'text/event-stream',
          ...(this.#lastEventId === undefined ? {} : { 'last-event-id': this.#lastEventId }),
        },
        signal,
      });
      const parser = new EventStreamParser();
      for await (const piece of stream) {
        timer.refresh();
        this.#learn(parser, String(piece));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #learn(parser: EventStreamParser, piece: string): void {
    try {
      for (const event of parser.push(piece)) this.#apply(event);
    } catch (error) {
      // What was missed is not known: the next connection begins anew.
      this.#lastEventId = undefined;
      throw error;
    }
    this.#lastEventId = parser.lastEventId ?? this.#lastEventId;
    this.#retryMs = parser.retryMs ?? this.#retryMs;
    if (!this.#isKnown) return;
    this.#isConnected = true;
    this.#failures = 0;
    this.#problem = undefined;
  }

  #apply({ event, data }: ServerEvent): void {
    if (event === 'snapshot') this.#replace(parseSnapshot(data));
    else if (event === 'change') this.#change(data);
    else return;
    this.#lists.clear();
    this.#isKnown = true;
    this.#waiting.resolve();
  }

  #replace(instances: readonly ServiceInstance[]): void {
    const ids = new Set(instances.map(({ id }) => id));
    for (const id of this.#instances.keys()) if (!ids.has(id)) this.#forget(id);
    for (const instance of instances) this.#instances.set(instance.id, instance);
  }

  #change(data: string): void {
    for (const { kind, instance } of parseChanges(data)) {
      if (kind === 'put') this.#instances.set(instance.id, instance);
      else this.#forget(instance.id);
    }
  }

  #forget(id: string): void {
    this.#instances.delete(id);
    this.#options.onGone(id);
  }
}
