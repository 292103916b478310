import type { Log } from '../../log/log.ts';
import { formatAddress } from '../../net/address.ts';
import { type Cidr, cidrContains } from '../../net/cidr.ts';
import { byText } from '../decide/standing.ts';
import type { IpamStatus } from '../status.ts';
import type { LeasedAddress, Leases } from './leases.ts';

export type LeaksOptions = {
  readonly leases: Pick<Leases, 'list' | 'free' | 'routed'>;
  /** How far two looks are apart at least. */
  readonly intervalMs: number;
  readonly nowMs: () => number;
  readonly log: Log;
};

type Suspect = IpamStatus['suspects'][number] & { readonly key: string };

/**
 * Frees leases whose containers are proven dead, which no DEL will free. Two looks must find the same: the first may have
 * come between the end of a container and its DEL. What was leased without proof is never freed, nor what the kernel still
 * routes to a container: an agent that does not see all namespaces would take it from one that lives.
 */
export class Leaks {
  readonly #options: LeaksOptions;
  #suspects: readonly Suspect[] = [];
  #reclaimed = 0;
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: LeaksOptions) {
    this.#options = options;
  }

  get suspects(): IpamStatus['suspects'] {
    return this.#suspects.map(({ address, because, since }) => ({ address, because, since }));
  }

  /** How many were freed so far. */
  get reclaimed(): number {
    return this.#reclaimed;
  }

  /**
   * Looks if it is time to: only at addresses of the pools, for others may have a network of the same name.
   * @throws CniError where the leases cannot be read, or the kernel does not tell what it routes
   */
  async look(pools: readonly Cidr[]): Promise<void> {
    const { nowMs, intervalMs, leases } = this.#options;
    if (pools.length === 0 || nowMs() - this.#lookedAtMs < intervalMs) return;
    this.#lookedAtMs = nowMs();
    const dead = leases
      .list()
      .filter(({ address, liveness }) => liveness.state === 'dead' && isIn(pools, address));
    const reached = dead.length === 0 ? new Set() : await this.#findReached(dead);
    const known = new Map(this.#suspects.map((suspect) => [suspect.key, suspect]));
    this.#suspects = dead.flatMap((lease) => {
      const suspect = known.get(keyOf(lease));
      const isReached = reached.has(ownerOf(lease));
      if (suspect === undefined || isReached)
        return [toSuspect(lease, { isReached, since: suspect?.since ?? new Date().toISOString() })];
      this.#free(lease);
      return [];
    });
  }

  /** Owners of which the kernel still routes an address to a container: freed is all that one has, or nothing. */
  async #findReached(leases: readonly LeasedAddress[]): Promise<ReadonlySet<string>> {
    const routed = byText(await this.#options.leases.routed());
    return new Set(leases.filter(({ address }) => routed.has(formatAddress(address))).map(ownerOf));
  }

  #free(lease: LeasedAddress): void {
    const { leases, log } = this.#options;
    if (!leases.free(lease)) return;
    this.#reclaimed++;
    const because = lease.liveness.state === 'dead' ? lease.liveness.because : '';
    log.info('the lease of a dead container is freed', { address: formatAddress(lease.address), because });
  }
}

function isIn(pools: readonly Cidr[], address: LeasedAddress['address']): boolean {
  return pools.some((pool) => cidrContains(pool, address));
}

function keyOf(lease: LeasedAddress): string {
  return `${formatAddress(lease.address)} ${ownerOf(lease)}`;
}

function ownerOf({ owner }: LeasedAddress): string {
  return `${owner?.containerId} ${owner?.ifName}`;
}

type Seen = { readonly isReached: boolean; readonly since: string };

function toSuspect(lease: LeasedAddress, { isReached, since }: Seen): Suspect {
  const because = lease.liveness.state === 'dead' ? lease.liveness.because : '';
  return {
    key: keyOf(lease),
    address: formatAddress(lease.address),
    because: isReached
      ? `${because}, but it is routed to a container here: let the agent see the processes of the host`
      : because,
    since,
  };
}
