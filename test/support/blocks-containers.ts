import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { add } from '../../ipam/host-local/add.ts';
import { del } from '../../ipam/host-local/del.ts';
import { listLeases } from '../../ipam/host-local/inventory.ts';
import { readShare } from '../../lib/blocks/share/share-file.ts';
import { formatAddress, parseAddress } from '../../lib/net/address.ts';
import { confirmLeased, openShare, shareIpam } from '../../plugins/routed/share-ipam.ts';
import { type BlocksPlace, network, pathsOf } from './blocks-holder.ts';
import { addEnvironment, toCall } from './calls.ts';
import { realMachine } from './rig-registry.ts';

/** The containers of a host, whose plugin does what `routed` does of addresses, over the real share and lease files. */
export class BlocksContainers {
  readonly #paths: ReturnType<typeof pathsOf>;

  readonly #confirmed = new Map<string, readonly string[]>();

  constructor(place: Pick<BlocksPlace, 'dir'>) {
    this.#paths = pathsOf(place);
    mkdirSync(this.#paths.netns, { recursive: true });
  }

  /** Everything that is leased, by the address's text. */
  get leased(): ReadonlyMap<string, string> {
    const leases = listLeases(this.#paths.dataDir, network, realMachine);
    return new Map(leases.map(({ address, containerId }) => [address, containerId]));
  }

  /** What containers have whose ADD has ended well, and which live. */
  get confirmed(): readonly string[] {
    return [...this.#confirmed.values()].flat();
  }

  /** How many addresses the share has; -1 while there is none. */
  get shared(): number {
    const share = readShare(this.#paths.share);
    if (share === undefined) return -1;
    return share.ranges.reduce((sum, { first, last }) => sum + Number(last.bits - first.bits) + 1, 0);
  }

  /** What an ADD does until it has leased. @throws CniError code 11 where there is no address */
  lease(container: string): readonly string[] {
    const netns = this.#netnsOf(container);
    const share = openShare(this.#paths.share, { name: network });
    writeFileSync(netns, '');
    const call = toCall({ name: network, ipam: shareIpam(share, []) }, environmentOf(container, netns));
    return add(call, realMachine).ips.map(({ address }) => formatAddress(address.address));
  }

  /** What it does at its end: what this host has given up meanwhile is undone. @throws CniError code 11 */
  confirm(container: string, addresses: readonly string[]): void {
    const leased = addresses.flatMap((text) => parseAddress(text) ?? []);
    try {
      confirmLeased(this.#paths.share, { name: network }, leased);
    } catch (error) {
      this.del(container);
      throw error;
    }
    this.#confirmed.set(container, addresses);
  }

  /** A whole ADD. */
  add(container: string): readonly string[] {
    const addresses = this.lease(container);
    this.confirm(container, addresses);
    return addresses;
  }

  del(container: string): void {
    this.#confirmed.delete(container);
    const netns = this.#netnsOf(container);
    const { dataDir } = this.#paths;
    del(toCall({ name: network, ipam: { dataDir } }, environmentOf(container, netns)), realMachine);
    this.die(container);
  }

  /** The container ends, and its DEL never comes. */
  die(container: string): void {
    this.#confirmed.delete(container);
    rmSync(this.#netnsOf(container), { force: true });
  }

  /** The stand-in of its network namespace: a file has an inode, too. */
  #netnsOf(container: string): string {
    return `${this.#paths.netns}/${container}`;
  }
}

function environmentOf(container: string, netns: string) {
  return addEnvironment({ CNI_CONTAINERID: container, CNI_NETNS: netns });
}
