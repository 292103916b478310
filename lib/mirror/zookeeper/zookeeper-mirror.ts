import type { Instance } from '../../registry/instance.ts';
import { isHealthy } from '../../registry/instance.ts';
import type { ServiceKey } from '../../registry/view.ts';
import type { ZooKeeperClient } from '../../zookeeper/client.ts';
import type { Entry, OpenOptions, OutsideRegistry, Refusal } from '../mirror.ts';
import { outsideName } from '../service-name.ts';
import type { Access } from './config.ts';
import type { Layout, Place } from './layout.ts';
import { listOwn } from './list-own.ts';
import { pipelined, untilAborted } from './pipelined.ts';
import { isNodeName, Tree } from './tree.ts';
import { watchNames, watchService } from './watch.ts';
import { Writer } from './writer.ts';

export type ZooKeeperMirrorOptions = OpenOptions & {
  readonly client: ZooKeeperClient;
  readonly base: string;
  readonly access: Access;
  readonly layout: Layout;
};

/**
 * A registry in ZooKeeper: `<base>/<service>/<entry>`, all entries of a machine ephemeral under one session. The session ends
 * with the mirror only where it holds nothing: the containers outlive the process that speaks for them.
 */
export class ZooKeeperMirror implements OutsideRegistry {
  readonly name: string;
  readonly #client: ZooKeeperClient;
  readonly #node: string;
  readonly #isHeld: boolean;
  readonly #layout: Layout;
  readonly #tree: Tree;
  readonly #writer: Writer;
  #hasWritten = false;

  constructor({ name, node, session, client, base, access, layout }: ZooKeeperMirrorOptions) {
    this.name = name;
    this.#client = client;
    this.#node = node;
    this.#isHeld = session === 'held';
    this.#layout = layout;
    this.#tree = new Tree({ client, base, access });
    this.#writer = new Writer({ client, tree: this.#tree, layout, node });
  }

  /** ZooKeeper has no health: what is not healthy is not there. */
  render(instance: Instance): readonly Entry[] {
    if (!isHealthy(instance)) return [];
    const place = { service: outsideName(instance), child: this.#layout.childOf(instance, this.#node) };
    return [{ key: `${place.service}/${place.child}`, content: this.#layout.write(instance, place) }];
  }

  async put(entries: readonly Entry[], signal: AbortSignal): Promise<readonly Refusal[]> {
    signal.throwIfAborted();
    if (!this.#isHeld)
      throw new Error('zookeeper: what a process writes goes with it: only an agent can register here');
    this.#hasWritten = true;
    return this.#writer.put(entries, signal);
  }

  async remove(keys: readonly string[], signal: AbortSignal): Promise<readonly Refusal[]> {
    signal.throwIfAborted();
    return this.#writer.remove(keys, signal);
  }

  async listOwn(signal: AbortSignal): Promise<readonly Entry[]> {
    signal.throwIfAborted();
    const { own, leftBehind } = await listOwn(
      {
        client: this.#client,
        tree: this.#tree,
        mayBeOwn: (child) => this.#layout.isOwnName(child, this.#node) !== false,
        isOwn: (child, found) => this.#writer.isOwn(child, found),
      },
      signal,
    );
    if (!this.#isHeld) return own;
    this.#hasWritten ||= leftBehind.length > 0;
    await this.#writer.takeOver(leftBehind, signal);
    return own;
  }

  async run(onLost: () => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    using _expiries = this.#client.onExpired(onLost);
    using _absences = this.#client.onAway(onLost);
    this.#client.start();
    await ended(signal);
  }

  nameOf(service: ServiceKey): string {
    return outsideName(service);
  }

  async query(name: string, signal: AbortSignal): Promise<readonly Instance[]> {
    signal.throwIfAborted();
    if (!isNodeName(name)) return [];
    const path = this.#tree.pathOf(name);
    const children = (await untilAborted(() => this.#client.getChildren(path), signal)) ?? [];
    const found = await pipelined(children, (child) => this.#client.getData(`${path}/${child}`), signal);
    return found.flatMap((node, at) =>
      node === undefined ? [] : (this.#read(node.data, { service: name, child: children[at] ?? '' }) ?? []),
    );
  }

  watch(name: string, signal: AbortSignal): AsyncIterable<readonly Instance[]> {
    if (!isNodeName(name)) return nothingUntil(signal);
    const path = this.#tree.pathOf(name);
    const read = (child: string, data: Buffer) => this.#read(data, { service: name, child });
    return watchService({ client: this.#client, path, read }, signal);
  }

  watchNames(signal: AbortSignal): AsyncIterable<readonly string[]> {
    return watchNames({ client: this.#client, path: this.#tree.base }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (this.#hasWritten ? this.#client.leave() : this.#client[Symbol.asyncDispose]());
  }

  #read(data: Buffer, place: Place): Instance | undefined {
    return this.#layout.read(data.toString(), place, this.name);
  }
}

/** Of a service that cannot be: it has no instances, and never will. */
async function* nothingUntil(signal: AbortSignal): AsyncGenerator<readonly Instance[]> {
  if (signal.aborted) return;
  yield [];
  await ended(signal);
}

async function ended(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  if (!signal.aborted) await promise;
}
