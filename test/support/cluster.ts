import { Host } from './cluster-host.ts';
import { EtcdServers } from './etcd.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { addressOf, Underlay } from './underlay.ts';

export { type Attached, Host, reaches } from './cluster-host.ts';

export type ClusterOptions = {
  readonly hosts: number;
  /** How many members etcd has. */
  readonly etcd?: 1 | 3;
  /** Of the underlay, in bytes. */
  readonly mtu?: number;
  /** The overlay as Flannel describes it: the value of `<prefix>/config`. */
  readonly network?: object;
};

/** Where Flannel has its keys. */
export const overlayPrefix = '/coreos.com/network';

/** An overlay of both families; fields given are set over it. */
export function dualNetwork(changes: object = {}): object {
  return {
    ...v4Network,
    EnableIPv6: true,
    IPv6Network: 'fd00:5::/48',
    ...changes,
  };
}

const v4Network = { Network: '10.5.0.0/16', Backend: { Type: 'vxlan' } };

/** The first member of etcd has this number on the underlay. */
const firstEtcd = 201;

/** A lease as its value in etcd says it; what tests look at. */
export type StoredLease = {
  readonly PublicIP?: string;
  readonly PublicIPv6?: string;
  readonly BackendData?: { readonly VtepMAC: string };
  readonly BackendV6Data?: { readonly VtepMAC: string };
};

/**
 * Hosts with one underlay, and a real etcd whose members are machines of it. Hosts have the numbers from 1 on; what runs
 * on them is for the test to start. Disposing removes all of it, whatever the test did.
 */
export class Cluster implements AsyncDisposable {
  readonly #parts: AsyncDisposableStack;
  readonly underlay: Underlay;
  readonly etcd: EtcdServers;
  readonly hosts: readonly Host[];

  private constructor(parts: AsyncDisposableStack, made: Pick<Cluster, 'underlay' | 'etcd' | 'hosts'>) {
    this.#parts = parts;
    this.underlay = made.underlay;
    this.etcd = made.etcd;
    this.hosts = made.hosts;
  }

  static async create({ hosts: count, etcd: members = 1, mtu, network }: ClusterOptions): Promise<Cluster> {
    await using parts = new AsyncDisposableStack();
    const underlay = parts.use(await Underlay.create(mtu === undefined ? {} : { mtu }));
    const etcd = parts.use(await startEtcd(underlay, members, parts.use(temporaryDirectory()).path));
    const hosts: Host[] = [];
    for (let number = 1; number <= count; number++)
      hosts.push(parts.use(await Host.create({ underlay, number, endpoints: etcd.endpoints })));
    const cluster = new Cluster(parts.move(), { underlay, etcd, hosts });
    await cluster.describe(network ?? v4Network);
    return cluster;
  }

  /** The host with this number, from 1 on. */
  host(number: number): Host {
    const host = this.hosts[number - 1];
    if (host === undefined) throw new Error(`there are ${this.hosts.length} hosts, and no number ${number}`);
    return host;
  }

  /** Writes what the overlay is: the value of `<prefix>/config`. */
  async describe(network: object): Promise<void> {
    await this.etcd.etcdctl('put', `${overlayPrefix}/config`, JSON.stringify(network));
  }

  /** What etcd has of the hosts' leases, by the last part of the key. */
  async leases(): Promise<Readonly<Record<string, StoredLease>>> {
    const text = await this.etcd.etcdctl('get', '--prefix', `${overlayPrefix}/subnets/`);
    const lines = text.split('\n').filter((line) => line !== '');
    const keys = lines.filter((_, at) => at % 2 === 0).map((key) => key.replace(/.*\//, ''));
    return Object.fromEntries(keys.map((key, at) => [key, JSON.parse(lines[at * 2 + 1] ?? '{}')]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

async function startEtcd(underlay: Underlay, members: number, dir: string): Promise<EtcdServers> {
  const numbers = Array.from({ length: members }, (_, at) => firstEtcd + at);
  const places = [];
  for (const number of numbers)
    places.push({ netns: await underlay.machine(number), address: addressOf(number) });
  return EtcdServers.start({ places, dir });
}
