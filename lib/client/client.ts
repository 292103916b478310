import { type Balancer, createBalancer } from '../balance/balancer.ts';
import { parseStrategy, type Strategy } from '../balance/strategy.ts';
import { RateLimiter } from '../limit/rate-limiter.ts';
import { type BreakerSettings, CircuitBreaker, defaultBreaker } from './breaker.ts';
import { Caller, type CallOptions, type PickOptions } from './call.ts';
import { type ClientTls, Connection } from './connection.ts';
import { ClientClosed } from './errors.ts';
import { Registration, type RegistrationRequest } from './registration.ts';
import { type CallReport, Reporter } from './reporter.ts';
import { ServiceCache } from './service-cache.ts';
import type { ServiceInstance } from './service-instance.ts';

export type ClientOptions = {
  /** Where the agent is: `unix:/run/fairlead/api.sock`, `http://host:port` or `https://host:port`. */
  readonly api: string;
  /** Needed over TCP. */
  readonly token?: string;
  readonly tls?: ClientTls;
  /** Where services are looked for; unless set, the one that the agent takes for this token: `default`. */
  readonly namespace?: string;
  /** How instances are picked, unless a call says otherwise; `round-robin` unless set. */
  readonly strategy?: Strategy;
  /** For each try of a call, and for each request to the agent; 5 s unless set. */
  readonly timeoutMs?: number;
  /** Further tries of a call, each on another instance; 2 unless set. */
  readonly retries?: number;
  /** When calls to an instance are suspended; false: never. */
  readonly breaker?: Partial<BreakerSettings> | false;
  /** How many calls of each service this client makes each second at most; unlimited unless set. */
  readonly callsPerSecond?: number;
  /** How many of them may come at once; one second's unless set. */
  readonly burst?: number;
  /** Whether the agent is told how calls went, for its own picks; true unless set. */
  readonly reports?: boolean;
  /** Told what goes wrong in the background (a watch that broke off, a heartbeat that was lost); it is tried again. */
  readonly onProblem?: (error: unknown) => void;
};

/** What a caller, and a service, can ask of the agent on its machine. */
export type FairleadClient = AsyncDisposable & {
  /**
   * One healthy instance. Tell with `report` how the call went, so that the next pick knows.
   * @throws NoHealthyInstance, AgentFailure where the agent refuses, CniError code 7 for an unknown strategy
   */
  readonly pick: (service: string, options?: PickOptions) => Promise<ServiceInstance>;
  /**
   * Calls a healthy instance, and where that fails another one. The work is handed a signal that is aborted when its time
   * is up.
   * @returns what the work returned
   * @throws RateLimited, NoHealthyInstance, AllFailed; with `retries: 0` CallTimedOut or what the work has thrown
   */
  readonly call: <T>(
    service: string,
    work: (instance: ServiceInstance, signal: AbortSignal) => Promise<T> | T,
    options?: CallOptions,
  ) => Promise<T>;
  /** How a call to a picked instance went; `call` does this by itself. */
  readonly report: (instance: ServiceInstance, report: CallReport) => void;
  /** Every instance of a service, healthy or not, as it is known now. @throws NoHealthyInstance, AgentFailure */
  readonly instances: (service: string) => Promise<readonly ServiceInstance[]>;
  /** Whether what is known of a service is fresh; false while the agent is away, and for what was never asked for. */
  readonly isFresh: (service: string) => boolean;
  /**
   * Registers an instance for as long as the returned object lives.
   * @throws AgentFailure
   */
  readonly register: (service: string, request: RegistrationRequest) => Promise<Registration>;
};

const defaultTimeoutMs = 5_000;
const defaultRetries = 2;

/**
 * A client of the agent's API: services are watched from their first use, and picked from what is known. It ends, with its
 * connections and registrations, when it is disposed of.
 * @throws TypeError for an `api` that cannot be one, CniError code 7 for an unknown strategy
 */
export function createClient(options: ClientOptions): FairleadClient {
  return new Client(options);
}

class Client implements FairleadClient {
  readonly #options: ClientOptions;
  readonly #connection: Connection;
  readonly #balancer: Balancer;
  readonly #breaker: CircuitBreaker | undefined;
  readonly #reporter: Reporter | undefined;
  readonly #caller: Caller;
  readonly #caches = new Map<string, ServiceCache>();
  readonly #registrations = new Set<Registration>();
  readonly #timeoutMs: number;
  #isClosed = false;

  constructor(options: ClientOptions) {
    const { strategy = 'round-robin', timeoutMs = defaultTimeoutMs, retries = defaultRetries } = options;
    this.#options = options;
    this.#timeoutMs = timeoutMs;
    this.#connection = new Connection(options);
    // Calls are always reported, and instances that fail are the breaker's.
    this.#balancer = createBalancer({ ejection: false, callHalfLifeMs: Number.POSITIVE_INFINITY });
    this.#breaker = createBreaker(options);
    this.#reporter = options.reports === false ? undefined : new Reporter(this.#connection);
    this.#caller = new Caller({
      balancer: this.#balancer,
      breaker: this.#breaker,
      limiter: createLimiter(options),
      cacheOf: (service) => this.#cacheOf(service),
      report: (instance, report) => this.report(instance, report),
      defaults: { strategy: parseStrategy(strategy), timeoutMs, retries },
    });
  }

  pick(service: string, options: PickOptions = {}): Promise<ServiceInstance> {
    return this.#caller.pick(service, options);
  }

  call<T>(
    service: string,
    work: (instance: ServiceInstance, signal: AbortSignal) => Promise<T> | T,
    options: CallOptions = {},
  ): Promise<T> {
    return this.#caller.call(service, work, options);
  }

  report(instance: ServiceInstance, { latencyMs, failed }: CallReport): void {
    this.#balancer.report({ id: instance.id, latencyMs, failed });
    this.#breaker?.end(instance.id, failed);
    this.#reporter?.note(instance, { latencyMs, failed });
  }

  async instances(service: string): Promise<readonly ServiceInstance[]> {
    const cache = this.#cacheOf(service);
    await cache.known(this.#timeoutMs);
    return cache.all();
  }

  isFresh(service: string): boolean {
    return this.#caches.get(service)?.isConnected ?? false;
  }

  async register(service: string, request: RegistrationRequest): Promise<Registration> {
    this.#requireOpen();
    const { namespace } = this.#options;
    const registration = await Registration.create({
      connection: this.#connection,
      service,
      request: { ...(namespace === undefined ? {} : { namespace }), ...request },
      timeoutMs: this.#timeoutMs,
      onProblem: this.#onProblem,
      onEnd: (ended) => this.#registrations.delete(ended),
    });
    this.#registrations.add(registration);
    if (!this.#isClosed) return registration;
    await registration.withdraw();
    throw new ClientClosed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const cache of this.#caches.values()) cache[Symbol.dispose]();
    this.#reporter?.[Symbol.dispose]();
    await Promise.all([...this.#registrations].map((each) => each[Symbol.asyncDispose]()));
    this.#connection[Symbol.dispose]();
  }

  #cacheOf(service: string): ServiceCache {
    this.#requireOpen();
    const known = this.#caches.get(service);
    if (known !== undefined) return known;
    const cache = new ServiceCache({
      connection: this.#connection,
      service,
      namespace: this.#options.namespace,
      onGone: (id) => this.#breaker?.forget(id),
      onProblem: this.#onProblem,
    });
    this.#caches.set(service, cache);
    return cache;
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new ClientClosed();
  }

  readonly #onProblem = (error: unknown): void => this.#options.onProblem?.(error);
}

function createBreaker({ breaker = {} }: ClientOptions): CircuitBreaker | undefined {
  return breaker === false ? undefined : new CircuitBreaker({ ...defaultBreaker, ...breaker });
}

function createLimiter({ callsPerSecond, burst }: ClientOptions): RateLimiter | undefined {
  if (callsPerSecond === undefined) return undefined;
  return new RateLimiter({ perSecond: callsPerSecond, burst: burst ?? Math.max(1, callsPerSecond) });
}
