import type { Problems } from '../../daemon/problems.ts';
import type { IpAddress } from '../../net/address.ts';
import { type Cidr, cidrContains } from '../../net/cidr.ts';
import { byText } from '../decide/standing.ts';
import type { Leases } from './leases.ts';

export type UnleasedOptions = {
  readonly leases: Pick<Leases, 'addresses' | 'routed'>;
  readonly problems: Pick<Problems, 'set'>;
  /** How far two looks are apart at least. */
  readonly intervalMs: number;
  readonly nowMs: () => number;
};

/** While something is found, it is looked at again so soon: it may be a container that is just going. */
const soonMs = 5_000;

/**
 * Addresses that the kernel routes to containers of this host although no lease is there, as after the directory of the
 * leases was lost. They are in use like those that are leased.
 */
export class Unleased {
  readonly #options: UnleasedOptions;
  #found: ReadonlyMap<string, IpAddress> = new Map();
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: UnleasedOptions) {
    this.#options = options;
  }

  /** As they were found last. */
  get addresses(): readonly IpAddress[] {
    return [...this.#found.values()];
  }

  /** Looks if it is time to. @throws CniError where the kernel does not tell */
  async refresh(pools: readonly Cidr[]): Promise<void> {
    const { intervalMs, nowMs } = this.#options;
    const everyMs = this.#found.size === 0 ? intervalMs : Math.min(intervalMs, soonMs);
    if (nowMs() - this.#lookedAtMs >= everyMs) await this.look(pools);
  }

  /**
   * Every address of the pools that the kernel routes to a container at this moment; containers of other networks have
   * their leases elsewhere.
   * @throws CniError where it does not tell
   */
  async look(pools: readonly Cidr[]): Promise<readonly IpAddress[]> {
    const { leases, problems, nowMs } = this.#options;
    this.#lookedAtMs = nowMs();
    // In this order: an ADD leases before it makes the route.
    const all = await leases.routed();
    const routed = byText(all.filter((address) => pools.some((pool) => cidrContains(pool, address))));
    const leased = byText(leases.addresses());
    const before = this.#found;
    this.#found = new Map([...routed].filter(([text]) => !leased.has(text)));
    // A container that is going has no lease for a moment: what is told was found twice.
    const lasting = [...this.#found.keys()].filter((text) => before.has(text));
    problems.set('containers without a lease', lasting.map(describe));
    return [...routed.values()];
  }
}

function describe(text: string): string {
  return (
    `${text} is routed to a container here, but no lease is there: ` +
    "bring the lease's file back, or stop the container"
  );
}
