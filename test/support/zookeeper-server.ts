import { eventually } from './eventually.ts';
import { freePorts } from './free-ports.ts';
import { inside, must } from './process.ts';
import type { RegistryServer, ServerPlace } from './registry-server.ts';
import { serverUrl } from './server-url.ts';
import { javaArguments } from './zookeeper.ts';
import { ZooKeeperMember, type ZooKeeperPorts, type ZooKeeperSettings } from './zookeeper-member.ts';

export type ZooKeeperOptions = ZooKeeperSettings & {
  /** One for each member (one or three); without `netns` it listens on free ports of the machine's loopback. */
  readonly places: readonly ServerPlace[];
};

/** An ensemble of real ZooKeeper servers, or one alone. */
export class ZooKeeperServers implements RegistryServer {
  readonly members: readonly ZooKeeperMember[];

  private constructor(options: ZooKeeperOptions, ports: readonly ZooKeeperPorts[]) {
    this.members = planMembers(options, ports);
  }

  /** Resolves when every member serves. */
  static async start(options: ZooKeeperOptions): Promise<ZooKeeperServers> {
    const servers = new ZooKeeperServers(options, await findPorts(options.places));
    try {
      await servers.restart();
    } catch (error) {
      await servers[Symbol.asyncDispose]();
      throw error;
    }
    return servers;
  }

  get endpoints(): readonly string[] {
    return this.members.map(({ endpoint }) => endpoint);
  }

  get log(): string {
    return this.members.map(({ name, log }) => `${name}:\n${log}`).join('');
  }

  /**
   * The real zkCli, without TLS, at the first member that runs: `cli('get', '/a')`.
   * @returns its stdout, without what it says of its connection
   */
  async cli(...args: readonly string[]): Promise<string> {
    const [member] = this.#running;
    if (member === undefined) throw new Error(`zkCli ${args.join(' ')}: no member runs`);
    const { netns, plainEndpoint } = member;
    const java = [...javaArguments({}, 'ZooKeeperMain'), '-server', plainEndpoint, ...args];
    const stdout = await (netns === undefined
      ? must('java', java)
      : must('nsenter', inside(netns, 'java', ...java)));
    return withoutConnection(stdout);
  }

  /** The member that leads the others, as soon as there is one. */
  leader(): Promise<ZooKeeperMember> {
    return eventually('a leader of the ensemble', async () => {
      for (const member of this.#running) if ((await member.mode()) === 'leader') return member;
      return undefined;
    });
  }

  async kill(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
  }

  async restart(): Promise<void> {
    await this.kill();
    for (const member of this.members) await member.start();
    for (const member of this.members) await member.served();
  }

  async wipe(): Promise<void> {
    await this[Symbol.asyncDispose]();
    await this.restart();
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

  get #running(): readonly ZooKeeperMember[] {
    return this.members.filter(({ isRunning }) => isRunning);
  }
}

/** Its watcher is another thread: what it prints stands before the result, after it, or around it. */
function withoutConnection(stdout: string): string {
  return [/^Connecting to .*\n/, /\nWATCHER::\n/, /\nWatchedEvent .*\n/].reduce(
    (text, line) => text.replace(line, ''),
    stdout,
  );
}

/** ZooKeeper's own ports in a namespace of a member's own, free ones on the machine's loopback. */
async function findPorts(places: readonly ServerPlace[]): Promise<readonly ZooKeeperPorts[]> {
  const free = await freePorts(places.length * 4);
  return places.map(({ netns }, index) => {
    if (netns !== undefined) return { client: 2181, secure: 2281, peer: 2888, election: 3888 };
    const [client = 0, secure = 0, peer = 0, election = 0] = free.slice(index * 4);
    return { client, secure, peer, election };
  });
}

function planMembers(
  { places, ...settings }: ZooKeeperOptions,
  ports: readonly ZooKeeperPorts[],
): readonly ZooKeeperMember[] {
  const members = places.flatMap((place, index) => {
    const own = ports[index];
    return own === undefined ? [] : [{ place, ports: own, number: index + 1 }];
  });
  const servers = members.map(
    (each) =>
      `server.${each.number}=${serverUrl(each.place.address, each.ports.peer)}:${each.ports.election}`,
  );
  // In ticks: how long a member may take to join, and to follow.
  const ensemble = members.length === 1 ? [] : ['initLimit=50', 'syncLimit=10', ...servers];
  return members.map((each) => new ZooKeeperMember({ ...settings, ...each, ensemble }));
}
