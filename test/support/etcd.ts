import type { EtcdConfig } from '../../lib/etcd/config.ts';
import { EtcdMember, type EtcdTls, type MemberOptions, type Membership } from './etcd-member.ts';
import { eventually } from './eventually.ts';
import { freePorts } from './free-ports.ts';
import { inside, run } from './process.ts';
import type { RegistryServer, ServerPlace } from './registry-server.ts';

export type { EtcdMember, EtcdTls } from './etcd-member.ts';

export type EtcdServersOptions = {
  /** One for each member; without `netns` it listens on free ports of the machine's loopback. */
  readonly places: readonly ServerPlace[];
  /** Where the members keep their data. */
  readonly dir: string;
  readonly tls?: EtcdTls;
  /** Turns authentication on, with this password of the user root. */
  readonly auth?: { readonly rootPassword: string; readonly tokenTtlSeconds?: number };
};

type Ports = MemberOptions['ports'];

/** A cluster of real etcd servers, of one member or more. */
export class EtcdServers implements RegistryServer {
  readonly #options: EtcdServersOptions;
  readonly members: readonly EtcdMember[];
  #generation = 0;

  private constructor(options: EtcdServersOptions, ports: readonly Ports[]) {
    this.#options = options;
    this.members = planMembers(options, ports).map((each) => new EtcdMember(each, this.#membership()));
  }

  /** Resolves when the cluster has a leader, and every member answers. */
  static async start(options: EtcdServersOptions): Promise<EtcdServers> {
    const servers = new EtcdServers(options, await findPorts(options.places));
    try {
      await servers.#startAll();
    } catch (error) {
      await servers[Symbol.asyncDispose]();
      throw error;
    }
    return servers;
  }

  /** How our client reaches the cluster: as root where there is authentication. */
  get config(): EtcdConfig {
    const [first = '', ...others] = this.endpoints;
    const { tls, auth } = this.#options;
    return {
      endpoints: [first, ...others],
      tls,
      user: auth === undefined ? undefined : { name: 'root', password: auth.rootPassword },
      timeoutMs: 5_000,
    };
  }

  get endpoints(): readonly string[] {
    return this.members.map(({ endpoint }) => endpoint);
  }

  /**
   * The real `etcdctl`, as root where there is authentication, asking all members that run.
   * @returns its stdout
   */
  async etcdctl(...args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.#tryEtcdctl(this.#running, args);
    if (status === 0) return stdout;
    throw new Error(`etcdctl ${args.join(' ')}: ${status} ${stderr}${stdout}`);
  }

  /** The member that leads, as soon as there is one. */
  async leader(): Promise<EtcdMember> {
    return eventually('a leader of the etcd cluster', async () => {
      for (const member of this.#running) if (await member.isLeader()) return member;
      return undefined;
    });
  }

  /** Resolves when all members that run answer. */
  async ready(): Promise<void> {
    await eventually('etcd to answer', async () => {
      const { status } = await this.#tryEtcdctl(this.#running, ['endpoint', 'health']);
      return status === 0 ? true : undefined;
    });
  }

  get log(): string {
    return this.members.map(({ name, log }) => `${name}:\n${log}`).join('');
  }

  /** All members at once. */
  async kill(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
  }

  /** All members, with what they had stored. */
  async restart(): Promise<void> {
    await this.kill();
    for (const member of this.members) await member.start();
    await this.ready();
  }

  /** All members begin anew, as another cluster at the same addresses, with nothing stored. */
  async wipe(): Promise<void> {
    await this.kill();
    for (const member of this.members) member.forget();
    await this.#startAll();
  }

  stop(): void {
    for (const member of this.members) member.stop();
  }

  cont(): void {
    for (const member of this.members) member.cont();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    for (const member of this.members) member.forget();
  }

  get #running(): readonly EtcdMember[] {
    return this.members.filter(({ isRunning }) => isRunning);
  }

  #membership(): Membership {
    const servers = this;
    return {
      get token() {
        return `test-${servers.#generation}`;
      },
      get initialCluster() {
        return servers.members.map(({ name, peer }) => `${name}=${peer}`).join(',');
      },
      isLeader: (member) => this.#isLeader(member),
      settled: async () => {
        if (this.#running.length * 2 > this.members.length) await this.ready();
      },
    };
  }

  async #isLeader(member: EtcdMember): Promise<boolean> {
    const { stdout } = await this.#tryEtcdctl([member], ['endpoint', 'status', '-w', 'json']);
    // The ids are larger than what a number of JavaScript holds exactly.
    const [, own] = /"member_id":(\d+)/.exec(stdout) ?? [];
    const [, leader] = /"leader":(\d+)/.exec(stdout) ?? [];
    return own !== undefined && own === leader;
  }

  async #startAll(): Promise<void> {
    this.#generation++;
    for (const member of this.members) await member.start();
    await this.ready();
    await this.#enableAuth();
  }

  async #enableAuth(): Promise<void> {
    const { auth } = this.#options;
    if (auth === undefined) return;
    await this.etcdctl('user', 'add', `root:${auth.rootPassword}`);
    await this.etcdctl('user', 'grant-role', 'root', 'root');
    await this.etcdctl('auth', 'enable');
  }

  /** In the first of the members' namespaces. */
  #tryEtcdctl(members: readonly EtcdMember[], args: readonly string[]) {
    const [first] = members;
    if (first === undefined) throw new Error(`etcdctl ${args.join(' ')}: no member runs`);
    const { tls, auth } = this.#options;
    const flags = [
      `--endpoints=${members.map(({ endpoint }) => endpoint).join(',')}`,
      ...['--dial-timeout=1s', '--command-timeout=5s'],
      ...(tls === undefined ? [] : [`--cacert=${tls.ca}`, `--cert=${tls.cert}`, `--key=${tls.key}`]),
      ...(auth === undefined ? [] : [`--user=root:${auth.rootPassword}`]),
    ];
    return first.netns === undefined
      ? run({ file: 'etcdctl', args: [...flags, ...args] })
      : run({ file: 'nsenter', args: inside(first.netns, 'etcdctl', ...flags, ...args) });
  }
}

/** etcd's own ports in a namespace of a member's own, free ones on the machine's loopback. */
async function findPorts(places: readonly ServerPlace[]): Promise<readonly Ports[]> {
  const free = await freePorts(places.length * 2);
  return places.map(({ netns }, index) =>
    netns === undefined
      ? { client: free[index * 2] ?? 0, peer: free[index * 2 + 1] ?? 0 }
      : { client: 2379, peer: 2380 },
  );
}

function planMembers(
  { places, dir, tls, auth }: EtcdServersOptions,
  ports: readonly Ports[],
): readonly MemberOptions[] {
  return places.map((place, index) => ({
    ...place,
    name: `etcd-${index + 1}`,
    dir,
    ports: ports[index] ?? { client: 2379, peer: 2380 },
    tls,
    tokenTtlSeconds: auth?.tokenTtlSeconds ?? 300,
  }));
}
