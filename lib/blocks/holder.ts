import { sleep } from '../client/backoff.ts';
import { cutForeign } from '../daemon/foreign-text.ts';
import { Problems } from '../daemon/problems.ts';
import { Wakeup } from '../daemon/wakeup.ts';
import { messageOf } from '../errors/cni-error.ts';
import { type Followed, follow } from '../etcd/follow.ts';
import { apartFrom, underlayOf, underlayProblems } from './decide/underlay.ts';
import type { BlockHolderOptions, BlockSelf } from './holder-options.ts';
import { Leaks } from './leases/leaks.ts';
import { Presence } from './presence.ts';
import { reachabilityText } from './reachability-text.ts';
import { SharePublisher } from './share/share-publisher.ts';
import type { IpamStatus } from './status.ts';
import { toIpamStatus } from './status-text.ts';
import { Stepper } from './stepper.ts';
import { KnownTable } from './table/known-table.ts';
import { announcedOf, ownOf } from './table/own.ts';
import { BlockStore } from './table/store.ts';
import { type BlockTable, emptyBlockTable } from './table/table.ts';

/** Two rounds are at least so far apart, in milliseconds. */
const restMs = 50;
/** A round is made at least so often: leases that come and go are counted then. */
const everyMs = 1_000;

/**
 * This host's part in the cluster's addresses: takes blocks and borrows addresses so that an ADD finds one free, lends and
 * gives back what is left over, and tells the plugins by the share. While etcd is away the share stays as it was.
 */
export class BlockHolder {
  readonly #options: BlockHolderOptions;
  readonly #known: KnownTable;
  readonly #share: SharePublisher;
  readonly #stepper: Stepper;
  readonly #presence: Presence;
  readonly #leaks: Leaks;
  readonly #problems: Problems;
  readonly #wakeup = new Wakeup();
  #self: BlockSelf | undefined;
  #away: string | undefined = 'not asked yet';
  #told = '';
  #toldOf: BlockTable | undefined;

  constructor(options: BlockHolderOptions) {
    const { etcd, settings, nowMs, log } = options;
    const { prefix } = settings;
    this.#options = options;
    this.#problems = new Problems(log);
    this.#known = new KnownTable(prefix, nowMs);
    this.#share = new SharePublisher({
      ...{ frame: () => this.#frame(), write: options.writeShare, read: options.readShare, log },
    });
    const store = new BlockStore(etcd, prefix, this.#known);
    this.#stepper = new Stepper({
      ...{ ...options, store, share: this.#share, problems: this.#problems },
      networks: () => this.#networks,
    });
    this.#leaks = new Leaks({ ...options, intervalMs: settings.leakIntervalMs });
    this.#presence = new Presence({
      ...{ etcd, prefix, nowMs, bootId: options.bootId, ttlSeconds: settings.hostTtlSeconds },
      tell: (problems) => {
        this.#problems.set('being known to the other hosts', problems);
        this.#wakeup.wake();
      },
    });
  }

  /** As etcd has it; empty before the first answer. */
  get table(): BlockTable {
    return this.#known.followed ?? emptyBlockTable;
  }

  /** How this host is reached, which may change; nothing is taken before this is known. */
  setSelf(self: BlockSelf): void {
    const { name, addresses, reflector } = self;
    this.#self = self;
    this.#toldOf = undefined;
    this.#presence.set({ node: this.#options.node, name, addresses, reflector });
    this.#wakeup.wake();
  }

  /** Works until the signal; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { etcd, settings, leases } = this.#options;
    leases.watch(() => this.#wakeup.wake(), signal);
    await Promise.all([
      follow({ etcd, prefix: `${settings.prefix}/`, tell: (followed) => this.#hear(followed) }, signal),
      this.#presence.run(signal),
      this.#work(signal),
    ]);
  }

  /** For who asks. */
  status(): IpamStatus {
    const { node, settings, etcd, leases } = this.#options;
    return toIpamStatus({
      node,
      network: settings.network,
      etcd: { endpoint: etcd.endpoint, away: this.#away },
      table: this.table,
      ranges: this.#share.ranges,
      leased: leases.addresses(),
      suspects: this.#leaks.suspects,
      reclaimed: this.#leaks.reclaimed,
      problems: this.#problems.all,
    });
  }

  #hear(followed: Followed): void {
    this.#away = followed.kind === 'lost' ? followed.because : undefined;
    this.#problems.set('etcd', this.#away === undefined ? [] : [cutForeign(this.#away)]);
    if (followed.kind === 'lost') return;
    this.#known.hear(followed);
    const { problems, hosts, alive } = this.table;
    const { node } = this.#options;
    this.#problems.set(
      'keys of etcd',
      [...problems].map(([key, text]) => `${cutForeign(key)}: ${text}`),
    );
    if (!hosts.has(node) || !alive.has(node)) this.#presence.wake();
    this.#wakeup.wake();
  }

  async #work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#problems.during('leases of dead containers', () => this.#leaks.look(this.#poolCidrs()));
      this.#problems.try('the share', () => this.#share.restore());
      await this.#advance(signal);
      await sleep(restMs, signal);
      await this.#wakeup.wait(everyMs, signal);
    }
  }

  async #advance(signal: AbortSignal): Promise<void> {
    if (this.#self === undefined || this.#known.followed === undefined) return;
    try {
      await this.#stepper.advance(() => this.#presence.state, signal);
      this.#problems.set('blocks', []);
    } catch (error) {
      if (!signal.aborted) this.#problems.set('blocks', [cutForeign(messageOf(error))]);
    }
    // What is another machine's, too, is not announced.
    if (!signal.aborted && this.#presence.state === 'seen') this.#problems.try('routes', () => this.#tell());
  }

  #tell(): void {
    const { node, onChange } = this.#options;
    // What is older than our own writes would lead what has just come back to whom it was lent.
    const table = this.#known.current ?? this.table;
    if (table === this.#toldOf) return;
    this.#problems.set('pools', underlayProblems(table, this.#networks));
    const own = apartFrom(underlayOf(table, this.#networks), ownOf(table, node));
    const reachability = { node, table, own: announcedOf(own) };
    const text = reachabilityText(reachability);
    if (text !== this.#told) onChange(reachability);
    this.#told = text;
    this.#toldOf = table;
  }

  get #networks() {
    return this.#self?.networks ?? [];
  }

  #frame() {
    const { network, dataDir } = this.#options.settings;
    return { network, dataDir, mtu: this.#self?.mtu ?? 0 };
  }

  #poolCidrs() {
    return [...this.table.pools.values()].map(({ cidr }) => cidr);
  }
}
