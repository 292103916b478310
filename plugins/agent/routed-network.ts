import type { ApiRouted } from '../../lib/api/parts.ts';
import { readBootId } from '../../lib/attach/liveness.ts';
import { BlockHolder } from '../../lib/blocks/holder.ts';
import { releaseHost } from '../../lib/blocks/release-host.ts';
import type { BlocksSettings } from '../../lib/blocks/settings.ts';
import { readShareText, writeShare } from '../../lib/blocks/share/share-file.ts';
import type { IpamStatus } from '../../lib/blocks/status.ts';
import { sleep } from '../../lib/client/backoff.ts';
import { Problems } from '../../lib/daemon/problems.ts';
import type { Etcd } from '../../lib/etcd/etcd.ts';
import { inquireAsync } from '../../lib/exec/inquiry.ts';
import { readUptimeSeconds } from '../../lib/exec/uptime.ts';
import type { Log } from '../../lib/log/log.ts';
import { overlayMtu } from '../../lib/overlay/kernel/mtu.ts';
import { outerInquiry } from '../../lib/overlay/kernel/outer.ts';
import type { Outer } from '../../lib/overlay/kernel/outer-link.ts';
import type { Overlay } from '../../lib/overlay/overlay.ts';
import { type BirdRouter, createBirdRouter } from '../../lib/routing/bird/router.ts';
import { createDirectRouter } from '../../lib/routing/direct/router.ts';
import { requirePrepared } from '../../lib/routing/prepared.ts';
import type { Reachability, Router } from '../../lib/routing/router.ts';
import { Routing } from '../../lib/routing/routing.ts';
import type { RoutingSettings } from '../../lib/routing/settings.ts';
import { createBlockLeases } from './block-leases.ts';
import type { AgentParts } from './parts.ts';

export type RoutedNetworkOptions = {
  readonly blocks: BlocksSettings;
  readonly routing: RoutingSettings;
  /** Stays the caller's. */
  readonly etcd: Etcd;
  readonly parts: Pick<AgentParts, 'machine' | 'run' | 'listen' | 'hostName'>;
  /** The id of this machine. */
  readonly node: string;
  /** Which leads to hosts that are on no link of this one; undefined where this host is in none. */
  readonly overlay: Overlay | undefined;
  readonly log: Log;
};

/** After a failure the underlay is looked at again so much later, in milliseconds. */
const soonMs = 1_000;

/**
 * This host's part in a network without bridges: its blocks of the cluster's addresses, and the ways to those of the
 * others. What is done at the end stays, for containers run on.
 */
export class RoutedNetwork {
  readonly #options: RoutedNetworkOptions;
  readonly #holder: BlockHolder;
  readonly #routing: Routing;
  readonly #bird: BirdRouter | undefined;
  readonly #problems: Problems;
  /** For the API, the metrics and the health of the agent. */
  readonly asked: ApiRouted;

  constructor(options: RoutedNetworkOptions) {
    const { blocks, routing, parts, node, log, etcd } = options;
    const { machine, run, listen } = parts;
    const host = { run, readProc: machine.readProc, writeProc: machine.writeProc };
    this.#options = options;
    this.#problems = new Problems(log);
    this.#bird = routing.mode === 'bird' ? createBirdRouter({ host, settings: routing }) : undefined;
    const router: Router = this.#bird ?? this.#createDirect(host);
    this.#routing = new Routing({ router, host, listen, log, resyncMs: routing.resyncMs });
    this.#holder = new BlockHolder({
      ...{ etcd, settings: blocks, node, log, bootId: readBootId(machine) },
      leases: createBlockLeases(blocks, { machine, run }),
      prepare: (reachability) => this.#prepare(reachability),
      readShare: () => readShareText(blocks.shareFile),
      writeShare: (share) => writeShare(blocks.shareFile, share),
      onChange: (reachability) => void this.#routing.aimAt(reachability),
      nowMs: () => (readUptimeSeconds(machine) ?? 0) * 1_000,
    });
    this.asked = {
      ipam: () => this.#ipam(),
      routes: () => this.#routing.status(),
      bgp: async () => this.#bird?.bgp(),
      releaseHost: (name, { force }) => releaseHost({ etcd, prefix: blocks.prefix, host: name, force }),
    };
  }

  /** Works until the signal; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#holder.run(signal), this.#routing.run(signal), this.#followUnderlay(signal)]);
  }

  /** Without BIRD, what is ours is leased from all the same: containers of one host reach each other. */
  async #prepare(wish: Reachability): Promise<void> {
    requirePrepared(wish, await this.#routing.aimAt(wish));
  }

  #ipam(): IpamStatus {
    const status = this.#holder.status();
    return { ...status, problems: [...this.#problems.all, ...status.problems, ...this.#unannounced()] };
  }

  /** What BIRD lacks is told with the routes; here, what that means for addresses that are leased meanwhile. */
  #unannounced(): readonly string[] {
    if (this.#bird === undefined || this.#routing.status().problems.length === 0) return [];
    return [
      'the routes between hosts are not well ("fairlead routes"): addresses are leased, but other hosts may not reach them',
    ];
  }

  #createDirect(host: Parameters<typeof createDirectRouter>[0]['host']): Router {
    const { overlay, log } = this.#options;
    return createDirectRouter({ host, overlayWay: (node, family) => overlay?.waysTo(node)[family], log });
  }

  /** How this host is reached may change while the agent runs. */
  async #followUnderlay(signal: AbortSignal): Promise<void> {
    const { blocks, routing, parts } = this.#options;
    while (!signal.aborted) {
      await this.#problems.during('the underlay', async () =>
        this.#tellSelf(await inquireAsync(outerInquiry(blocks.outer, parts.machine), parts.run)),
      );
      await sleep(this.#problems.all.length === 0 ? routing.resyncMs : soonMs, signal);
    }
  }

  #tellSelf(outer: Outer): void {
    const { routing, parts, blocks } = this.#options;
    this.#holder.setSelf({
      name: parts.hostName,
      addresses: outer.publicAddresses,
      reflector: routing.mode === 'bird' ? routing.reflector : undefined,
      mtu: blocks.mtu ?? this.#mtuOver(outer),
      networks: outer.networks,
    });
  }

  /** Packets to hosts that are on no link of this one go over the overlay, where there is one. */
  #mtuOver({ mtu, publicAddresses }: Outer): number {
    if (this.#options.overlay === undefined || this.#bird !== undefined) return mtu;
    return overlayMtu(mtu, publicAddresses[6] === undefined ? 4 : 6);
  }
}
