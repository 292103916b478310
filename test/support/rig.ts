import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { binDir } from './binaries.ts';
import { endNetns } from './end-netns.ts';
import { inside, must, run } from './process.ts';

export type Verb = 'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS' | 'VERSION';

/** A plugin's result in any version of the specification; what tests look at. */
export type CniResult = {
  readonly cniVersion: string;
  readonly interfaces?: readonly { name: string; mac?: string; mtu?: number; sandbox?: string }[];
  readonly ips?: readonly { version?: string; interface?: number; address: string; gateway?: string }[];
  readonly routes?: readonly { dst: string; gw?: string }[];
  readonly dns?: object;
  readonly ip4?: { readonly ip: string; readonly gateway?: string; readonly routes?: readonly object[] };
  readonly ip6?: { readonly ip: string; readonly gateway?: string; readonly routes?: readonly object[] };
};

export type CniFailure = {
  readonly cniVersion: string;
  readonly code: number;
  readonly msg: string;
  readonly details?: string;
};

/** How one call of a plugin ended; `result` after success with output, `error` after a failure. */
export type Answer = {
  readonly status: number | string | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly result?: CniResult;
  readonly error?: CniFailure;
};

/** What of a call differs from the usual one. */
export type CallOptions = {
  /** CNI_ARGS. */
  readonly args?: string;
  readonly ifName?: string;
  /** Set over the usual environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Path of another executable than ours for the configuration's type. */
  readonly binary?: string;
  /** Sent to the plugin instead of the configuration's JSON. */
  readonly stdin?: string;
  /** The namespace whose links the plugin sees below /sys; the host's unless set. */
  readonly sysfsOf?: string;
  /** After this the plugin is killed. */
  readonly timeoutMs?: number;
};

/** A network configuration; each test adds its fields. */
export type Conf = {
  readonly cniVersion?: string;
  readonly name?: unknown;
  readonly type?: unknown;
  readonly [field: string]: unknown;
};

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

  static async create(): Promise<Rig> {
    const rig = new Rig();
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
      ...this.#entering(options.binary ?? `${binDir}/${conf.type}`, options.sysfsOf ?? this.host),
      stdin: options.stdin ?? JSON.stringify({ ...this.#registering(conf), ...conf }),
      env: toEnvironment(verb, container, options),
      timeoutMs: options.timeoutMs ?? callTimeoutMs,
    });
    return toAnswer(outcome);
  }

  /** A test's containers are registered in a file of the test's own. */
  #registering(conf: Conf): object {
    return conf.type === 'host-local' ? {} : { registry: { store: this.store } };
  }

  /**
   * `ip netns exec` mounts the sysfs of its namespace, as a host has it; `nsenter` leaves what is mounted. By its path,
   * because a test may put another `ip` first in PATH.
   */
  #entering(binary: string, sysfsOf: string) {
    const command = sysfsOf === this.host ? [binary] : ['nsenter', ...inside(this.host, binary)];
    return { file: '/usr/sbin/ip', args: ['netns', 'exec', sysfsOf, ...command] };
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
    for (const name of this.#namespaces) await endNetns(name);
    rmSync(this.dir, { recursive: true, force: true });
  }

  async #addNamespace(name: string): Promise<void> {
    // Noted first: a namespace that was made half-way must go, too.
    this.#namespaces.push(name);
    await must('ip', ['netns', 'add', name]);
  }
}

/** The environment of a call; GC, STATUS and VERSION take no heed of the attachment. */
export function toEnvironment(
  verb: Verb,
  container: string,
  { args, ifName, env }: CallOptions,
): Record<string, string | undefined> {
  return {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    CNI_COMMAND: verb,
    CNI_CONTAINERID: container,
    CNI_NETNS: `/run/netns/${container}`,
    CNI_IFNAME: ifName ?? 'eth0',
    CNI_PATH: binDir,
    ...(args === undefined ? {} : { CNI_ARGS: args }),
    ...env,
  };
}

function toAnswer(outcome: { status: Answer['status']; stdout: string; stderr: string }): Answer {
  const { status, stdout } = outcome;
  const json = parseOrUndefined(stdout);
  if (json === undefined) return outcome;
  return status === 0 ? { ...outcome, result: json as CniResult } : { ...outcome, error: json as CniFailure };
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
