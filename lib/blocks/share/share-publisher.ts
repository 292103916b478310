import type { Log } from '../../log/log.ts';
import { formatAddress, type IpAddress } from '../../net/address.ts';
import type { Own } from '../table/own.ts';
import { leasedFamilies } from '../table/pool.ts';
import type { BlockTable } from '../table/table.ts';
import { renderShare, type Share, type ShareRange } from './share.ts';
import { shareRanges } from './share-ranges.ts';

/** What a share says beside the addresses. */
export type ShareFrame = Pick<Share, 'network' | 'dataDir' | 'mtu'>;

export type SharePublisherOptions = {
  readonly frame: () => ShareFrame;
  /** @throws CniError */
  readonly write: (share: Share) => void;
  /** The text of the share as it stands; undefined where there is none. */
  readonly read: () => string | undefined;
  readonly log: Pick<Log, 'warn'>;
};

type Basis = {
  readonly own: Own;
  readonly table: Pick<BlockTable, 'pools'>;
  readonly reachable: ReadonlySet<string>;
  /** By text: addresses that came back from a loan, and to which there is still a way that leads elsewhere. */
  readonly returning: ReadonlySet<string>;
};

/** Tells the plugins of this host what they may lease. */
export class SharePublisher {
  readonly #options: SharePublisherOptions;
  #basis: Basis | undefined;
  #withheld: ReadonlySet<string> = new Set();
  #ranges: readonly ShareRange[] = [];
  #written = '';

  constructor(options: SharePublisherOptions) {
    this.#options = options;
  }

  /** What may be leased now. */
  get ranges(): readonly ShareRange[] {
    return this.#ranges;
  }

  /**
   * Publishes what is this host's now; nothing is withheld any more.
   * @throws CniError
   */
  publish(basis: Basis): void {
    this.#basis = basis;
    this.#withheld = new Set();
    this.#write();
  }

  /**
   * Has nobody lease these addresses until the next time that something is published.
   * @throws CniError
   */
  withhold(addresses: readonly IpAddress[]): void {
    this.#withheld = new Set([...this.#withheld, ...addresses.map(formatAddress)]);
    this.#write();
  }

  /**
   * Puts the share back where somebody else has removed or changed it: without it no container begins.
   * @throws CniError
   */
  restore(): void {
    if (this.#written === '' || this.#options.read() === this.#written) return;
    this.#options.log.warn(
      'somebody has removed or changed the file that tells the plugins what to lease from: it is written again',
    );
    this.#written = '';
    this.#write();
  }

  #write(): void {
    if (this.#basis === undefined) return;
    const { own, table, reachable, returning } = this.#basis;
    const withheld = new Set([...this.#withheld, ...returning]);
    const ranges = shareRanges({ own, pools: table.pools, withheld, reachable });
    const pools = [...table.pools.values()];
    const share: Share = {
      ...this.#options.frame(),
      pools: pools.map(({ cidr }) => cidr),
      families: leasedFamilies(pools),
      ranges,
    };
    const text = renderShare(share);
    if (text !== this.#written) this.#options.write(share);
    this.#written = text;
    this.#ranges = ranges;
  }
}

/** A range in words: `10.50.0.0 to 10.50.0.63`, or one address. */
export function describeRange({ first, last }: ShareRange): string {
  const [from, to] = [formatAddress(first), formatAddress(last)];
  return from === to ? from : `${from} to ${to}`;
}
