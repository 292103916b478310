import type { BlockHolder } from '../../lib/blocks/holder.ts';
import type { Share } from '../../lib/blocks/share/share.ts';
import { writeShare } from '../../lib/blocks/share/share-file.ts';
import type { Block } from '../../lib/blocks/table/block.ts';
import { renderBlock } from '../../lib/blocks/table/block-text.ts';
import type { BlockTable } from '../../lib/blocks/table/table.ts';
import { blockTableOf } from '../../lib/blocks/table/update-table.ts';
import { connectEtcd } from '../../lib/etcd/client.ts';
import type { Etcd } from '../../lib/etcd/etcd.ts';
import { BlocksContainers } from './blocks-containers.ts';
import {
  type BlocksPlace,
  calmSettings,
  createHolder,
  type HolderParts,
  nodeOf,
  pathsOf,
} from './blocks-holder.ts';
import { SharesWatch } from './blocks-shares.ts';
import { EtcdServers } from './etcd.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { until } from './until.ts';

/** Hosts over one real etcd, each with a holder of this process, and with lease files of its own. */
export class BlocksCluster implements AsyncDisposable {
  readonly servers: EtcdServers;
  /** The test's own client. */
  readonly etcd: Etcd;
  readonly prefix: string;
  readonly #stack = new AsyncDisposableStack();
  readonly #dir = this.#stack.use(temporaryDirectory()).path;
  readonly #signal = new AbortController().signal;
  readonly #shares = new SharesWatch();

  /** @param prefix one of its own for each cluster of the same servers, which stay the caller's */
  constructor(servers: EtcdServers, prefix: string) {
    this.servers = servers;
    this.prefix = prefix;
    this.etcd = this.#stack.use(connectEtcd(servers.config));
  }

  /** A cluster with a server of its own. */
  static async start(): Promise<BlocksCluster> {
    const etcd = await startEtcd();
    const cluster = new BlocksCluster(etcd.servers, '/blocks-of-tests');
    cluster.#stack.use(etcd);
    return cluster;
  }

  /** What etcd has now. */
  async table(): Promise<BlockTable> {
    return blockTableOf(await this.etcd.list(`${this.prefix}/`, this.#signal), this.prefix);
  }

  async putPool(name: string, pool: object): Promise<void> {
    await this.put(`pools/${name}`, JSON.stringify(pool));
  }

  /** Writes a key as somebody's hand would. */
  async put(key: string, value: string): Promise<void> {
    await this.servers.etcdctl('put', `${this.prefix}/${key}`, value);
  }

  async del(key: string): Promise<void> {
    await this.servers.etcdctl('del', `${this.prefix}/${key}`);
  }

  /** Writes a block as somebody's hand would. */
  async putBlock(name: string, block: Partial<Block>): Promise<void> {
    const value = {
      node: 'node-9',
      state: 'confirmed',
      used: 0,
      loans: new Map(),
      wanted: new Map(),
    } as const;
    await this.put(`blocks/${name}`, renderBlock({ ...value, ...block }));
  }

  place(number: number, settings: Partial<BlocksPlace['settings']> = {}): BlocksPlace {
    const dir = `${this.#dir}/host-${number}`;
    return { dir, number, prefix: this.prefix, settings: { ...calmSettings, ...settings } };
  }

  /** A host that runs until it is stopped, or the cluster ends. */
  join(
    number: number,
    settings: Partial<BlocksPlace['settings']> = {},
    parts: Partial<HolderParts> = {},
  ): BlocksHost {
    const etcd = this.#stack.use(connectEtcd(this.servers.config));
    const place = this.place(number, settings);
    const write = (share: Share) => {
      this.#shares.note(nodeOf(place), share);
      writeShare(pathsOf(place).share, share);
    };
    const host = this.#stack.use(new BlocksHost(place, { etcd, writeShare: write, ...parts }));
    this.#shares.add(host.node, () => host.containers.confirmed);
    return host;
  }

  /** Waits until etcd has what a test waits for. */
  async until(isSo: (table: BlockTable) => boolean, what: string): Promise<BlockTable> {
    let table = await this.table();
    await until(
      async () => {
        table = await this.table();
        return isSo(table);
      },
      what,
      () =>
        JSON.stringify([...table.blocks], (_, value) => (typeof value === 'bigint' ? Number(value) : value)),
    );
    return table;
  }

  /** @throws where an address was ever two hosts' */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
    if (this.#shares.violations.length > 0) throw new Error(this.#shares.violations.join('\n'));
  }
}

/** One server, on the machine's loopback, that ends with the scope. */
export async function startEtcd(): Promise<{ readonly servers: EtcdServers } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(temporaryDirectory()).path;
  const servers = stack.use(await EtcdServers.start({ places: [{ address: '127.0.0.1' }], dir }));
  const owned = stack.move();
  return { servers, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** One host: its holder, and its containers, which outlive it. */
export class BlocksHost implements AsyncDisposable {
  readonly node: string;
  readonly holder: BlockHolder;
  readonly containers: BlocksContainers;
  readonly log: string[] = [];
  readonly #ended = new AbortController();
  readonly #running: Promise<void>;

  constructor(place: BlocksPlace, parts: HolderParts) {
    const say = (message: string) => {
      this.log.push(message);
    };
    this.node = nodeOf(place);
    this.containers = new BlocksContainers(place);
    this.holder = createHolder(place, { log: { info: say, warn: say, error: say }, ...parts });
    this.#running = this.holder.run(this.#ended.signal);
  }

  /** Waits until its plugins find at least so many free addresses. */
  async has(free: number): Promise<void> {
    const { holder, log } = this;
    await until(
      () => holder.status().share.free >= free,
      `${this.node} to have ${free} free addresses`,
      () => `${JSON.stringify(holder.status().share)} ${log.join('\n')}`,
    );
  }

  /** Whole ADDs of so many containers. @returns their addresses */
  addMany(count: number, name = 'c'): readonly string[] {
    return Array.from({ length: count }, (_, at) => this.containers.add(`${this.node}-${name}-${at}`)).flat();
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Blocks of a host, by name, as the table has them. */
export function blocksOf(table: BlockTable, { node }: Pick<BlocksHost, 'node'>): readonly string[] {
  return [...table.blocks].filter(([, block]) => block.node === node).map(([name]) => name);
}

/** The loans of a host, each with the name of the block that it is of. */
export function loansOf(table: BlockTable, { node }: Pick<BlocksHost, 'node'>): readonly string[] {
  return [...table.blocks.values()].flatMap(({ loans }) =>
    [...loans].filter(([, loan]) => loan.node === node).map(([address]) => address),
  );
}
