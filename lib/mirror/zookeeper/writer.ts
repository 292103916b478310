import { anyVersion, type ZooKeeperClient } from '../../zookeeper/client.ts';
import type { NodeData, Step } from '../../zookeeper/operation.ts';
import { isZooKeeperError, type ZooKeeperErrorKind } from '../../zookeeper/zookeeper-error.ts';
import type { Entry, Refusal } from '../mirror.ts';
import { carryOut, type Outcome, type Task } from './carry-out.ts';
import type { Layout } from './layout.ts';
import { parseKey, type Tree } from './tree.ts';

export type WriterOptions = {
  readonly client: ZooKeeperClient;
  readonly tree: Tree;
  readonly layout: Layout;
  /** The id of this machine. */
  readonly node: string;
};

/** What stands under a session of another process, as it was found. */
export type LeftBehind = Entry & { readonly version: number };

/** A server takes no request of 1 MiB, and hangs up on everybody's behalf. */
const longestContent = 512 * 1024;

/** Writes the entries of this machine, all under its present session. */
export class Writer {
  readonly #client: ZooKeeperClient;
  readonly #tree: Tree;
  readonly #layout: Layout;
  readonly #node: string;

  constructor({ client, tree, layout, node }: WriterOptions) {
    this.#client = client;
    this.#tree = tree;
    this.#layout = layout;
    this.#node = node;
  }

  put(entries: readonly Entry[], signal: AbortSignal): Promise<readonly Refusal[]> {
    const toTask = (entry: Entry): Task => ({
      key: entry.key,
      bytes: entry.content.length,
      steps: isTooLong(entry) ? undefined : () => [this.#creation(entry)],
      alone: () => this.#create(entry),
    });
    return this.#carryOut(entries.map(toTask), signal);
  }

  remove(keys: readonly string[], signal: AbortSignal): Promise<readonly Refusal[]> {
    const toTask = (key: string): Task => ({
      key,
      bytes: 0,
      steps: this.#isOwnKey(key) === true ? () => [this.#deletion(key, anyVersion)] : undefined,
      alone: () => this.#delete(key),
    });
    return this.#carryOut(keys.map(toTask), signal);
  }

  /** Makes what stands under a session of another process stand under this one. */
  takeOver(leftBehind: readonly LeftBehind[], signal: AbortSignal): Promise<readonly Refusal[]> {
    const toTask = (entry: LeftBehind): Task => ({
      key: entry.key,
      bytes: entry.content.length,
      steps: () => [this.#deletion(entry.key, entry.version), this.#creation(entry)],
      alone: () => this.#overwrite(entry),
    });
    return this.#carryOut(leftBehind.map(toTask), signal);
  }

  /** Whether an entry is this machine's: by its name or by its data, or because nobody else can have this session. */
  isOwn(child: string, { data, stat }: NodeData): boolean {
    const isOwnName = this.#layout.isOwnName(child, this.#node);
    if (isOwnName !== 'unknown') return isOwnName;
    const isOfSession = stat.ephemeralOwner === this.#client.sessionId;
    return isOfSession || this.#layout.writerOf(data.toString()) === this.#node;
  }

  #carryOut(tasks: readonly Task[], signal: AbortSignal): Promise<readonly Refusal[]> {
    return carryOut(tasks, { client: this.#client, tree: this.#tree }, signal);
  }

  async #create(entry: Entry): Promise<Outcome> {
    const { key, content } = entry;
    if (isTooLong(entry))
      return { key, because: `zookeeper: create ${key}: longer than ${longestContent} bytes` };
    try {
      await this.#client.create(this.#tree.entryNode(key, content));
      return 'done';
    } catch (error) {
      if (isZooKeeperError(error, 'NONODE')) return 'no-service';
      if (isZooKeeperError(error, 'NODEEXISTS')) return this.#overwrite(entry);
      throw error;
    }
  }

  async #overwrite(entry: Entry): Promise<Outcome> {
    const { key, content } = entry;
    const path = this.#tree.pathOf(key);
    const found = await this.#client.getData(path);
    if (found === undefined) return 'again';
    if (!this.#isOwnAt(key, found))
      return { key, because: `zookeeper: create ${path}: another's node is there` };
    const { version, ephemeralOwner } = found.stat;
    const data = Buffer.from(content);
    if (ephemeralOwner !== this.#client.sessionId)
      return orAgain(this.#client.multi([this.#deletion(key, version), this.#creation(entry)]));
    return found.data.equals(data) ? 'done' : orAgain(this.#client.setData(path, data, version));
  }

  async #delete(key: string): Promise<Outcome> {
    const path = this.#tree.pathOf(key);
    const isOwn = this.#isOwnKey(key);
    if (isOwn === false) return 'done';
    if (isOwn === true) return orOutcome(this.#client.delete(path, anyVersion), 'done', ['NONODE']);
    const found = await this.#client.getData(path);
    if (found === undefined || !this.#isOwnAt(key, found)) return 'done';
    return orAgain(this.#client.delete(path, found.stat.version));
  }

  #creation({ key, content }: Entry): Step {
    return { kind: 'create', node: this.#tree.entryNode(key, content) };
  }

  #deletion(key: string, version: number): Step {
    return { kind: 'delete', path: this.#tree.pathOf(key), version };
  }

  #isOwnKey(key: string): boolean | 'unknown' {
    const place = parseKey(key);
    return place !== undefined && this.#layout.isOwnName(place.child, this.#node);
  }

  #isOwnAt(key: string, found: NodeData): boolean {
    const place = parseKey(key);
    return place !== undefined && this.isOwn(place.child, found);
  }
}

function isTooLong({ content }: Entry): boolean {
  return Buffer.byteLength(content) > longestContent;
}

function orAgain(write: Promise<void>): Promise<Outcome> {
  return orOutcome(write, 'again', ['NONODE', 'BADVERSION', 'NODEEXISTS']);
}

async function orOutcome(
  write: Promise<void>,
  outcome: Outcome,
  kinds: readonly ZooKeeperErrorKind[],
): Promise<Outcome> {
  try {
    await write;
    return 'done';
  } catch (error) {
    if (isZooKeeperError(error, ...kinds)) return outcome;
    throw error;
  }
}
