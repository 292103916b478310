import type { Balancer } from '../balance/balancer.ts';
import type { Strategy } from '../balance/strategy.ts';
import type { RateLimiter } from '../limit/rate-limiter.ts';
import type { CircuitBreaker } from './breaker.ts';
import { AllFailed, CallTimedOut, type FailedTry, NoHealthyInstance, RateLimited } from './errors.ts';
import type { CallReport } from './reporter.ts';
import type { ServiceCache, Wanted } from './service-cache.ts';
import type { ServiceInstance } from './service-instance.ts';
import { withTimeout } from './timeout.ts';

/** How an instance is picked. */
export type PickOptions = Wanted & {
  readonly strategy?: Strategy;
  /** With `sticky`, the same key meets the same instance. */
  readonly key?: string;
};

/** How a service is called. */
export type CallOptions = PickOptions & {
  /** For each try. */
  readonly timeoutMs?: number;
  /** Further tries, each on another instance. 0 for what must not be done twice. */
  readonly retries?: number;
  /** Whether an error is the instance's fault, so that it counts and another one is tried; every error unless set. */
  readonly isFailure?: (error: unknown) => boolean;
  /** Calls it off: neither counted as a failure nor tried again. */
  readonly signal?: AbortSignal;
};

export type CallerParts = {
  readonly balancer: Balancer;
  readonly breaker: CircuitBreaker | undefined;
  readonly limiter: RateLimiter | undefined;
  readonly cacheOf: (service: string) => ServiceCache;
  readonly report: (instance: ServiceInstance, report: CallReport) => void;
  readonly defaults: Required<Pick<CallOptions, 'strategy' | 'timeoutMs' | 'retries'>>;
};

export type Work<T> = (instance: ServiceInstance, signal: AbortSignal) => Promise<T> | T;

type Call<T> = {
  readonly service: string;
  readonly work: Work<T>;
  readonly options: CallOptions;
  readonly timeoutMs: number;
};

type Try<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

/** Picks and calls instances: limit, breaker, balancer, timeout and retry in their order. */
export class Caller {
  readonly #parts: CallerParts;

  constructor(parts: CallerParts) {
    this.#parts = parts;
  }

  /** @throws NoHealthyInstance, AgentFailure, CniError code 7 */
  async pick(service: string, options: PickOptions): Promise<ServiceInstance> {
    return this.#pick(service, options, new Set());
  }

  /** @throws RateLimited, NoHealthyInstance, AllFailed, or what the only try has thrown */
  async call<T>(service: string, work: Work<T>, options: CallOptions): Promise<T> {
    const { defaults } = this.#parts;
    const { timeoutMs = defaults.timeoutMs, retries = defaults.retries } = options;
    this.#takeFromLimit(service);
    const call = { service, work, options, timeoutMs };
    const failed: FailedTry[] = [];
    const tried = new Set<string>();
    while (failed.length <= retries) {
      const instance = await this.#pickAnother(call, tried, failed);
      tried.add(instance.id);
      const made = await this.#try(call, instance);
      if (made.ok) return made.value;
      if (retries === 0) throw made.error;
      failed.push({ instanceId: instance.id, error: made.error });
    }
    throw new AllFailed(service, failed);
  }

  #takeFromLimit(service: string): void {
    const { limiter } = this.#parts;
    if (limiter === undefined || limiter.take(service)) return;
    throw new RateLimited(service, limiter.waitMs(service));
  }

  async #pickAnother<T>(
    { service, options }: Call<T>,
    tried: ReadonlySet<string>,
    failed: readonly FailedTry[],
  ): Promise<ServiceInstance> {
    try {
      return await this.#pick(service, options, tried);
    } catch (error) {
      if (error instanceof NoHealthyInstance && failed.length > 0) throw new AllFailed(service, failed);
      throw error;
    }
  }

  async #pick(service: string, options: PickOptions, tried: ReadonlySet<string>): Promise<ServiceInstance> {
    const { balancer, breaker, cacheOf, defaults } = this.#parts;
    const { strategy = defaults.strategy, key } = options;
    const cache = cacheOf(service);
    await cache.known(defaults.timeoutMs);
    const healthy = cache.healthy(options);
    const except = breaker === undefined ? tried : tried.union(breaker.closedTo());
    const picked = balancer.pick(healthy, { strategy, except, ...(key === undefined ? {} : { key }) });
    if (picked === undefined) throw nobodyToCall(service, cache.all().length, healthy.length);
    breaker?.begin(picked.id);
    return picked;
  }

  /** @throws what is not the instance's failure */
  async #try<T>({ service, work, options, timeoutMs }: Call<T>, instance: ServiceInstance): Promise<Try<T>> {
    const { signal, isFailure = () => true } = options;
    const timed = await withTimeout((own) => work(instance, own), { timeoutMs, signal });
    if (timed.kind === 'aborted') {
      this.#release(instance);
      throw timed.reason;
    }
    const { latencyMs } = timed;
    if (timed.kind === 'failed' && !isFailure(timed.error)) {
      this.#parts.report(instance, { latencyMs, failed: false });
      throw timed.error;
    }
    this.#parts.report(instance, { latencyMs, failed: timed.kind !== 'done' });
    if (timed.kind === 'done') return { ok: true, value: timed.value };
    const isLate = timed.kind === 'late';
    return { ok: false, error: isLate ? new CallTimedOut(service, instance.id, timeoutMs) : timed.error };
  }

  /** The call is over, and nothing was learnt of the instance. */
  #release({ id }: ServiceInstance): void {
    this.#parts.balancer.report({ id, failed: false });
    this.#parts.breaker?.cancel(id);
  }
}

function nobodyToCall(service: string, known: number, healthy: number): NoHealthyInstance {
  if (known === 0) return new NoHealthyInstance(service, 'no instance is registered');
  if (healthy === 0)
    return new NoHealthyInstance(service, `none of the ${known} instances is healthy and wanted`);
  return new NoHealthyInstance(
    service,
    `calls to all ${healthy} healthy instances are suspended after failures`,
  );
}
