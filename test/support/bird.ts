import { writeFileSync } from 'node:fs';
import type { NeighbourStatus } from '../../lib/routing/bgp-status.ts';
import { type BirdRouter, createBirdRouter } from '../../lib/routing/bird/router.ts';
import type { BirdSettings } from '../../lib/routing/settings.ts';
import { BirdProcess, type BirdStart } from './bird-process.ts';
import { birdSettings, type ClusterHost, pools4, reachabilityOf } from './routing.ts';
import { RoutingHost } from './routing-host.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import type { Underlay } from './underlay.ts';
import { until } from './until.ts';

/** A host with a BIRD, whose configuration is written by a router of ours. */
export class BirdHost implements AsyncDisposable {
  readonly #dir = temporaryDirectory();
  readonly #bird: BirdProcess;
  readonly host: RoutingHost;
  readonly settings: BirdSettings;
  readonly router: BirdRouter;

  private constructor(host: RoutingHost, changes: Partial<BirdSettings>) {
    this.host = host;
    this.settings = birdSettings({
      holdTimeSeconds: 9,
      configFile: `${this.#dir.path}/bird.conf`,
      socket: `${this.#dir.path}/bird.ctl`,
      ...changes,
    });
    this.#bird = new BirdProcess({ netns: host.netns, ...this.settings });
    this.router = createBirdRouter({ settings: this.settings, host: host.own });
  }

  static async create(
    underlay: Underlay,
    number: number,
    changes: Partial<BirdSettings> = {},
  ): Promise<BirdHost> {
    return new BirdHost(await RoutingHost.create(underlay, number), changes);
  }

  get number(): number {
    return this.host.number;
  }

  /** Has the host follow what its cluster says. @returns what stands in the way */
  follow(hosts: readonly ClusterHost[], pools = pools4): Promise<readonly string[]> {
    return this.router.apply(reachabilityOf(this.number, hosts, pools));
  }

  /** Starts BIRD with the configuration that is there; resolves when it answers. */
  start(how?: BirdStart): Promise<void> {
    return this.#bird.start(how);
  }

  signal(signal: Parameters<BirdProcess['signal']>[0]): Promise<void> {
    return this.#bird.signal(signal);
  }

  birdc(...command: readonly string[]): Promise<string> {
    return this.#bird.birdc(...command);
  }

  /** Ends BIRD as its unit does: the neighbours keep its routes for a while. */
  stopGracefully(): Promise<void> {
    return this.#bird.stopGracefully();
  }

  /** Writes a configuration of a test's own, and has it read. */
  async configure(text: string): Promise<void> {
    writeFileSync(this.settings.configFile, text);
    await this.birdc('configure');
  }

  async neighbour(address: string): Promise<NeighbourStatus | undefined> {
    const { neighbours } = await this.router.bgp();
    return neighbours.find((neighbour) => neighbour.address === address);
  }

  /** Resolves when the host's kernel has a route of BIRD's to each of the destinations. */
  async awaitRoutes(...destinations: readonly string[]): Promise<void> {
    let missing: readonly string[] = destinations;
    const isThere = async () => {
      const routes = await this.routes();
      missing = destinations.filter((dst) => !routes.some((route) => route.startsWith(`${dst} `)));
      return missing.length === 0;
    };
    await until(isThere, `routes of host ${this.number}; missing: `, () => missing.join(', '));
  }

  /** BIRD's routes in the kernel, as `ip` shows them. */
  async routes(): Promise<readonly string[]> {
    const [v4, v6] = [
      await this.host.ip('-4 route show proto bird'),
      await this.host.ip('-6 route show proto bird'),
    ];
    return `${v4}${v6}`.split('\n').filter((line) => line !== '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bird[Symbol.asyncDispose]();
    await this.host[Symbol.asyncDispose]();
    this.#dir[Symbol.dispose]();
  }
}
