import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { CallWay, usualWay, type Way } from './call-way.ts';
import {
  type Answer,
  type CallOptions,
  type CniResult,
  type Conf,
  toAnswer,
  toEnvironment,
  type Verb,
} from './cni-call.ts';
import { endNetns } from './end-netns.ts';
import { must, run } from './process.ts';

export {
  type Answer,
  type CallOptions,
  type CniFailure,
  type CniResult,
  type Conf,
  toEnvironment,
  type Verb,
} from './cni-call.ts';

const callTimeoutMs = 40_000;
let rigs = 0;

/**
 * A host and containers of a test's own: network namespaces named `fl-t…`, and a directory for leases. Plugins run
 * in the host's namespace, so nothing reaches the machine's. Disposing removes all of it, whatever the test did.
 */
export class Rig implements AsyncDisposable {
  readonly #prefix = `fl-t${process.pid}-${++rigs}`;
  readonly #namespaces: string[] = [];
  readonly dir = mkdtempSync(`${tmpdir()}/fl-t-`);
  /** Where leases are kept. */
  readonly dataDir = `${this.dir}/networks`;
  /** The registry of a configuration that names none. */
  readonly store = `${this.dir}/registry.db`;
  /** The namespace that stands for the host. */
  readonly host = `${this.#prefix}-h`;

  /** How its calls reach a plugin. */
  readonly way: CallWay;

  private constructor(way: Way) {
    this.way = new CallWay(this, way);
  }

  static async create(way: Way = usualWay): Promise<Rig> {
    const rig = new Rig(way);
    await rig.#addNamespace(rig.host);
    return rig;
  }

  /** A new container: the name of its namespace, which is its id, too. */
  async container(): Promise<string> {
    return this.namespace(`c${this.#namespaces.length}`);
  }

  async containers(count: number): Promise<readonly string[]> {
    const names: string[] = [];
    for (let made = 0; made < count; made++) names.push(await this.container());
    return names;
  }

  /** A namespace with this at the end of its name. */
  async namespace(suffix: string): Promise<string> {
    const name = `${this.#prefix}-${suffix}`;
    await this.#addNamespace(name);
    return name;
  }

  /** Ends a namespace, as the end of a container does. */
  async remove(netns: string): Promise<void> {
    await must('ip', ['netns', 'del', netns]);
    this.#namespaces.splice(this.#namespaces.indexOf(netns), 1);
  }

  /** Calls a plugin as a runtime does: verb and attachment in the environment, the configuration on stdin. */
  async cni(verb: Verb, conf: Conf, container: string, options: CallOptions = {}): Promise<Answer> {
    const outcome = await run({
      ...(await this.way.entering(options.binary ?? `${this.way.binDir}/${conf.type}`, options)),
      stdin: options.stdin ?? JSON.stringify({ ...this.#registering(conf), ...conf }),
      env: toEnvironment(verb, container, { ...options, env: { CNI_PATH: this.way.binDir, ...options.env } }),
      timeoutMs: options.timeoutMs ?? callTimeoutMs,
    });
    return toAnswer(outcome);
  }

  /** A test's containers are registered in a file of the test's own. */
  #registering(conf: Conf): object {
    return conf.type === 'host-local' ? {} : { registry: { store: this.store } };
  }

  /** An ADD that must succeed. */
  async add(conf: Conf, container: string, options?: CallOptions): Promise<CniResult> {
    const { result, stdout, stderr } = await this.cni('ADD', conf, container, options);
    if (result === undefined) throw new Error(`ADD of ${container} failed: ${stdout}${stderr}`);
    return result;
  }

  /** A DEL that must succeed. */
  async del(conf: Conf, container: string, options?: CallOptions): Promise<void> {
    const { status, stdout, stderr } = await this.cni('DEL', conf, container, options);
    if (status !== 0) throw new Error(`DEL of ${container} failed (${status}): ${stdout}${stderr}`);
  }

  /** The lease files of a network: address → content. */
  leases(network = 'net'): Readonly<Record<string, string>> {
    const dir = `${this.dataDir}/${network}`;
    const names = existsSync(dir) ? readdirSync(dir) : [];
    return Object.fromEntries(
      names
        .filter((name) => /^[0-9a-f]+[.:]/.test(name) && statSync(`${dir}/${name}`).isFile())
        .sort()
        .map((name) => [name, readFileSync(`${dir}/${name}`, 'utf8')]),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.way[Symbol.asyncDispose]();
    } finally {
      for (const name of this.#namespaces) await endNetns(name);
      rmSync(this.dir, { recursive: true, force: true });
    }
  }

  async #addNamespace(name: string): Promise<void> {
    // Noted first: a namespace that was made half-way must go, too.
    this.#namespaces.push(name);
    await must('ip', ['netns', 'add', name]);
  }
}
