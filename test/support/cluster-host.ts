import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent } from './agent.ts';
import { ipsOf } from './confs.ts';
import { run } from './process.ts';
import type { CallOptions, Conf } from './rig.ts';
import { Rig } from './rig.ts';
import { canPing } from './traffic.ts';
import { address6Of, addressOf, type Slowness, type Underlay } from './underlay.ts';
import { until } from './until.ts';

/** A container of a host, and its addresses without prefix lengths, IPv4 first. */
export type Attached = { readonly netns: string; readonly addresses: readonly string[] };

/** What a host is told of its cluster. */
export type Membership = {
  readonly underlay: Underlay;
  /** Its port of the underlay, and the end of its addresses. */
  readonly number: number;
  readonly endpoints: readonly string[];
};

/** One host of a cluster: a rig whose host namespace is linked with those of the others by eth0. */
export class Host implements AsyncDisposable {
  readonly #membership: Membership;
  #agent: Agent | undefined;
  readonly rig: Rig;

  private constructor(rig: Rig, membership: Membership) {
    this.rig = rig;
    this.#membership = membership;
  }

  static async create(membership: Membership): Promise<Host> {
    await using made = new AsyncDisposableStack();
    const rig = made.use(await Rig.create());
    await membership.underlay.connect(rig.host, membership.number);
    made.move();
    return new Host(rig, membership);
  }

  /** Its namespace. */
  get netns(): string {
    return this.rig.host;
  }

  get number(): number {
    return this.#membership.number;
  }

  get address(): string {
    return addressOf(this.number);
  }

  get address6(): string {
    return address6Of(this.number);
  }

  /** Where etcd answers. */
  get endpoints(): readonly string[] {
    return this.#membership.endpoints;
  }

  /** The agent that runs. */
  get agent(): Agent {
    if (this.#agent === undefined) throw new Error(`no agent runs on host ${this.number}`);
    return this.#agent;
  }

  /** Where the agent, or flanneld, writes what the host has of the overlay. */
  get subnetFile(): string {
    return `${this.rig.dir}/subnet.env`;
  }

  /** Starts an agent with overlay and discovery; a field given replaces the configuration's. */
  async startAgent(changes: { readonly [field: string]: unknown } = {}): Promise<Agent> {
    const file = `${this.rig.dir}/agent.json`;
    writeFileSync(file, JSON.stringify({ ...this.agentConfig(), ...changes }));
    this.#agent = await Agent.start(this.rig, '--config', file);
    return this.#agent;
  }

  /** Starts an agent, and waits until the host has a subnet of the overlay. */
  async join(changes?: { readonly [field: string]: unknown }): Promise<Agent> {
    const agent = await this.startAgent(changes);
    const hasSubnet = () => this.subnet().FLANNEL_MTU !== undefined;
    await until(hasSubnet, `host ${this.number} to have a subnet; its agent says:\n`, () => agent.log);
    return agent;
  }

  /** The usual configuration; fields given are set over those of its overlay. */
  agentConfig(overlay: object = {}): object {
    const files = { subnetFile: this.subnetFile, stateFile: `${this.rig.dir}/overlay.json` };
    return {
      etcd: { endpoints: this.endpoints },
      overlay: { interface: 'eth0', ...files, ...overlay },
      discovery: {},
    };
  }

  /** Ends the agent. @returns its exit status, or the signal */
  async stopAgent(signal?: 'SIGTERM' | 'SIGKILL'): Promise<number | string | undefined> {
    const { agent } = this;
    this.#agent = undefined;
    return agent.stop(signal);
  }

  /** The overlay's network, as its plugin is configured here. */
  conf(changes: Conf = {}): Conf {
    return {
      cniVersion: '1.1.0',
      name: 'overlay',
      type: 'vxlan-overlay',
      subnetFile: this.subnetFile,
      ipam: { dataDir: this.rig.dataDir },
      registry: { store: this.rig.store },
      ...changes,
    };
  }

  /** A new container on the overlay. */
  add(changes: Conf = {}): Promise<Attached> {
    return this.attach(this.conf(changes));
  }

  /** A new container by any configuration. */
  async attach(conf: Conf, options?: CallOptions): Promise<Attached> {
    const netns = await this.rig.container();
    const addresses = ipsOf(await this.rig.add(conf, netns, options));
    return { netns, addresses: addresses.toSorted((one, other) => familyOf(one) - familyOf(other)) };
  }

  /** Takes a container off the overlay. */
  async del(container: Attached, changes: Conf = {}): Promise<void> {
    await this.rig.del(this.conf(changes), container.netns);
  }

  /** The variables of subnet.env; none while there is no such file. */
  subnet(): Readonly<Record<string, string>> {
    const text = existsSync(this.subnetFile) ? readFileSync(this.subnetFile, 'utf8') : '';
    return Object.fromEntries([...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]));
  }

  cut(): Promise<void> {
    return this.#membership.underlay.cut(this.number);
  }

  slow(slowness: Slowness): Promise<void> {
    return this.#membership.underlay.slow(this.number, slowness);
  }

  heal(): Promise<void> {
    return this.#membership.underlay.heal(this.number);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent?.[Symbol.asyncDispose]();
    await this.rig.way[Symbol.asyncDispose]();
    await endProcesses(this.netns);
    await this.rig[Symbol.asyncDispose]();
  }
}

/** An agent that was killed has left the tools that it listened to, which would keep the namespace. */
async function endProcesses(netns: string): Promise<void> {
  const { stdout } = await run({ file: 'ip', args: ['netns', 'pids', netns] });
  const pids = stdout.split('\n').filter((pid) => pid !== '');
  if (pids.length > 0) await run({ file: 'kill', args: ['-KILL', ...pids] });
}

/** Whether a container gets an echo from every address of another one, which has at least one. */
export async function reaches(from: Attached, to: Attached): Promise<boolean> {
  const echoes = await Promise.all(to.addresses.map((address) => canPing(from.netns, address)));
  return echoes.length > 0 && echoes.every((echo) => echo);
}

function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}
