import type { Log } from '../log/log.ts';
import { formatAddress } from '../net/address.ts';
import { type Cidr, cidrContains } from '../net/cidr.ts';
import type { LeasedAddress, Leases } from './leases.ts';
import type { IpamStatus } from './status.ts';

export type LeaksOptions = {
  readonly leases: Pick<Leases, 'list' | 'free'>;
  /** How far two looks are apart at least. */
  readonly intervalMs: number;
  readonly nowMs: () => number;
  readonly log: Log;
};

type Suspect = IpamStatus['suspects'][number] & { readonly key: string };

/**
 * Frees leases whose containers are proven dead, which no DEL will free. Two looks must find the same: the first may have
 * come between the end of a container and its DEL. What was leased without proof is never freed.
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

  /** Looks if it is time to: only at addresses of the pools, for others may have a network of the same name. */
  look(pools: readonly Cidr[]): void {
    const { nowMs, intervalMs, leases } = this.#options;
    if (pools.length === 0 || nowMs() - this.#lookedAtMs < intervalMs) return;
    this.#lookedAtMs = nowMs();
    const dead = leases
      .list()
      .filter(({ address, liveness }) => liveness.state === 'dead' && isIn(pools, address));
    const known = new Map(this.#suspects.map((suspect) => [suspect.key, suspect]));
    this.#suspects = dead.flatMap((lease) => {
      const suspect = known.get(keyOf(lease));
      if (suspect === undefined) return [toSuspect(lease)];
      this.#free(lease);
      return [];
    });
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

function keyOf({ address, owner }: LeasedAddress): string {
  return `${formatAddress(address)} ${owner?.containerId} ${owner?.ifName}`;
}

function toSuspect(lease: LeasedAddress): Suspect {
  return {
    key: keyOf(lease),
    address: formatAddress(lease.address),
    because: lease.liveness.state === 'dead' ? lease.liveness.because : '',
    since: new Date().toISOString(),
  };
}
