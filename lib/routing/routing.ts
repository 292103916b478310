import { sleep } from '../client/backoff.ts';
import { monitorKernel } from '../daemon/kernel-monitor.ts';
import { Problems } from '../daemon/problems.ts';
import { Wakeup } from '../daemon/wakeup.ts';
import type { OwnHost } from '../exec/apply.ts';
import { inquireAsync } from '../exec/inquiry.ts';
import type { Listen } from '../exec/lines.ts';
import { chainsInquiry } from '../exec/observe.ts';
import { carryOut } from '../exec/reconciled.ts';
import type { Log } from '../log/log.ts';
import { planChain } from '../rules/plan-chain.ts';
import { concernsRoutes, destinationsOf, routeMonitor } from './monitor-line.ts';
import { natOutgoing } from './nat-outgoing.ts';
import type { Reachability, Router, RoutingStatus } from './router.ts';

export type RoutingParts = {
  readonly router: Router;
  readonly host: OwnHost;
  readonly listen: Listen;
  readonly log: Log;
  /** How often all is compared with what it should be, in milliseconds, whether anything was heard or not. */
  readonly resyncMs: number;
};

/** Two comparisons are at least so far apart. */
const restMs = 100;

/** Keeps the ways to the other hosts' containers, and the masquerade of the pools, as they are wished. */
export class Routing {
  readonly #parts: RoutingParts;
  readonly #problems: Problems;
  readonly #wakeup = new Wakeup();
  #wish: Reachability | undefined;
  #destinations: ReadonlySet<string> = new Set();
  #waiting: ((status: RoutingStatus) => void)[] = [];

  constructor(parts: RoutingParts) {
    this.#parts = parts;
    this.#problems = new Problems(parts.log);
  }

  /**
   * Sets what is to be reached from now on.
   * @returns how it stands when that has been tried: what stands in the way is among the problems
   */
  aimAt(wish: Reachability): Promise<RoutingStatus> {
    this.#wish = wish;
    this.#destinations = destinationsOf(wish);
    const { promise, resolve } = Promise.withResolvers<RoutingStatus>();
    this.#waiting.push(resolve);
    this.#wakeup.wake();
    return promise;
  }

  /** Works until the signal; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { listen, log } = this.#parts;
    const wake = () => this.#wakeup.wake();
    const concerns = (line: string) => concernsRoutes(line, this.#destinations);
    await Promise.all([
      this.#compareUntil(signal),
      monitorKernel({ command: routeMonitor, concerns, listen, log, wake }, signal),
    ]);
  }

  /** For who asks. */
  status(): RoutingStatus {
    const status = this.#parts.router.status();
    return { ...status, problems: this.#problems.all };
  }

  async #compareUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#compare();
      await sleep(restMs, signal);
      await this.#wakeup.wait(this.#parts.resyncMs, signal);
    }
    for (const resolve of this.#waiting.splice(0)) resolve(this.status());
  }

  async #compare(): Promise<void> {
    const wish = this.#wish;
    const waiting = this.#waiting.splice(0);
    if (wish !== undefined) {
      await this.#problems.gather('routes', () => this.#parts.router.apply(wish));
      await this.#problems.gather('masquerade', () => this.#masquerade(wish));
    }
    for (const resolve of waiting) resolve(this.status());
  }

  async #masquerade({ table }: Reachability): Promise<readonly string[]> {
    const { host } = this.#parts;
    const chain = natOutgoing([...table.pools.values()]);
    const listing = await inquireAsync(chainsInquiry([chain]), host.run);
    return (await carryOut(planChain(chain, listing), host)).problems;
  }
}
