import type { BirdSettings } from '../../lib/routing/settings.ts';
import { BirdHost } from './bird.ts';
import { type ClusterHost, pools4 } from './routing.ts';
import { Underlay } from './underlay.ts';

/** Hosts on one link, numbered from 1, each with a BIRD that runs. */
export class BirdCluster implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly hosts: readonly BirdHost[];
  readonly underlay: Underlay;

  private constructor(underlay: Underlay, hosts: readonly BirdHost[], stack: AsyncDisposableStack) {
    this.underlay = underlay;
    this.hosts = hosts;
    this.#stack = stack;
  }

  /** @param changes of a host's settings, by its number */
  static async create(
    members: readonly ClusterHost[],
    { pools = pools4, changes = () => ({}) }: ClusterOptions = {},
  ): Promise<BirdCluster> {
    await using stack = new AsyncDisposableStack();
    const underlay = stack.use(await Underlay.create());
    const hosts: BirdHost[] = [];
    for (const { number } of members)
      hosts.push(stack.use(await BirdHost.create(underlay, number, changes(number))));
    // The first time only the file is written: nobody answers yet.
    for (const host of hosts) await host.follow(members, pools);
    for (const host of hosts) await host.start();
    return new BirdCluster(underlay, hosts, stack.move());
  }

  host(number: number): BirdHost {
    const found = this.hosts.find((host) => host.number === number);
    if (found === undefined) throw new Error(`there is no host ${number}`);
    return found;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

type ClusterOptions = {
  readonly pools?: typeof pools4;
  readonly changes?: (number: number) => Partial<BirdSettings>;
};
