import { Drift } from '../daemon/drift.ts';
import { News } from '../daemon/news.ts';
import type { Log } from '../log/log.ts';
import { formatAddress } from '../net/address.ts';
import { formatCidr } from '../net/cidr.ts';
import type { Peer } from './kernel/plane.ts';
import type { Target } from './kernel/target.ts';
import type { OverlayStatus } from './status.ts';

/** What has become of an overlay, for the log and for who asks: hosts that come and go, and what had to be repaired. */
export class Journal {
  readonly #log: Log;
  #peers: ReadonlyMap<string, Peer> = new Map();
  readonly #refused = new News();
  readonly #drift: Drift;
  #target = '';
  #lastChange: OverlayStatus['lastChange'];

  constructor(log: Log) {
    this.#log = log;
    this.#drift = new Drift(log);
  }

  get drift(): OverlayStatus['drift'] {
    return this.#drift.status;
  }

  get lastChange(): OverlayStatus['lastChange'] {
    return this.#lastChange;
  }

  /**
   * Notes what is aimed at from now on.
   * @returns whether it is the same as before, so that whatever the kernel lacks of it has been taken from it
   */
  isSame(target: Target): boolean {
    this.#followPeers(target.planes.flatMap(({ peers }) => peers));
    this.#followRefused(target);
    const text = JSON.stringify(target.planes, (_, value) =>
      typeof value === 'bigint' ? `${value}` : value,
    );
    const isSame = text === this.#target;
    this.#target = text;
    return isSame;
  }

  /** The target was not reached: what is done next is no repair. */
  forgetTarget(): void {
    this.#target = '';
  }

  noteRepairs(done: readonly string[]): void {
    this.#drift.note(done);
  }

  noteChange(what: string): void {
    this.#lastChange = { at: new Date().toISOString(), what };
  }

  #followPeers(peers: readonly Peer[]): void {
    const found = new Map(peers.map((peer) => [describePeer(peer), peer]));
    for (const text of found.keys()) if (!this.#peers.has(text)) this.#tell(`host joined: ${text}`);
    for (const text of this.#peers.keys()) if (!found.has(text)) this.#tell(`host left: ${text}`);
    this.#peers = found;
  }

  #followRefused({ refused }: Target): void {
    const texts = refused.map(({ name, because }) => `${name}: ${because}`);
    for (const line of this.#refused.take(texts)) this.#log.warn(`lease ignored: ${line}`);
  }

  #tell(what: string): void {
    this.#log.info(what);
    this.noteChange(what);
  }
}

function describePeer({ subnet, publicAddress, vtepMac, isDirect }: Peer): string {
  return `${formatCidr(subnet)} at ${formatAddress(publicAddress)}, ${isDirect ? 'directly' : vtepMac}`;
}
