import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Certificates } from './certificates.ts';
import { inside, run } from './process.ts';
import type { ServerPlace } from './registry-server.ts';
import { ServerProcess } from './server-process.ts';
import { serverUrl } from './server-url.ts';
import { javaArguments } from './zookeeper.ts';

export type ZooKeeperPorts = {
  readonly client: number;
  /** For clients with TLS. */
  readonly secure: number;
  readonly peer: number;
  readonly election: number;
};

/** What the members of an ensemble have in common. */
export type ZooKeeperSettings = {
  /** An absolute path: where the members keep their data and their configuration. */
  readonly dir: string;
  /** A port with TLS beside the plain one, for clients with a certificate of the authority. */
  readonly tls?: Certificates;
  /** Of the user `super`, who may do everything (scheme digest). */
  readonly superPassword?: string;
  /** Sessions may be as short as two of them; 200 ms unless set. */
  readonly tickMs?: number;
  /** How often empty containers and nodes with a TTL are looked for; 60 s, as ZooKeeper does, unless set. */
  readonly sweepMs?: number;
};

export type ZooKeeperMemberOptions = ZooKeeperSettings & {
  /** From 1 on. */
  readonly number: number;
  readonly place: ServerPlace;
  readonly ports: ZooKeeperPorts;
  /** The lines of the configuration that name all members; none where there is one alone. */
  readonly ensemble: readonly string[];
};

/** One real ZooKeeper server. */
export class ZooKeeperMember {
  readonly #options: ZooKeeperMemberOptions;
  readonly #process = new ServerProcess();

  constructor(options: ZooKeeperMemberOptions) {
    this.#options = options;
  }

  get name(): string {
    return `zookeeper-${this.#options.number}`;
  }

  /** Where clients reach it: with TLS where that is set. */
  get endpoint(): string {
    const { place, ports, tls } = this.#options;
    return serverUrl(place.address, tls === undefined ? ports.client : ports.secure);
  }

  /** Where clients reach it without TLS. */
  get plainEndpoint(): string {
    return serverUrl(this.#options.place.address, this.#options.ports.client);
  }

  get netns(): string | undefined {
    return this.#options.place.netns;
  }

  /** Undefined while it does not run. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Whether it runs, and is not stopped. */
  get isRunning(): boolean {
    return this.#process.isRunning;
  }

  get log(): string {
    return this.#process.log;
  }

  /** The answer to one of the words of four letters, such as `stat`, `cons`, `wchs` or `mntr`; '' without one. */
  async ask(word: string): Promise<string> {
    const { place, ports } = this.#options;
    // One process to its end: what outlives the time limit would hold the answer open.
    const script = `exec 3<>/dev/tcp/${place.address}/${ports.client} && printf %s ${word} >&3 && exec cat <&3`;
    const command = ['bash', '-c', script] as const;
    const [file, ...args] =
      place.netns === undefined ? command : ['nsenter', ...inside(place.netns, ...command)];
    return (await run({ file, args, timeoutMs: 5_000 })).stdout;
  }

  /** `standalone`, `leader` or `follower`; undefined while it does not serve. */
  async mode(): Promise<string | undefined> {
    return /^Mode: (\w+)/m.exec(await this.ask('srvr'))?.[1];
  }

  /** Starts the process; `served` waits until it serves. */
  async start(): Promise<void> {
    const { number, superPassword, sweepMs = 60_000 } = this.#options;
    mkdirSync(this.#dataDir, { recursive: true });
    writeFileSync(`${this.#dataDir}/myid`, String(number));
    writeFileSync(this.#configFile, `${this.#config().join('\n')}\n`);
    const properties = {
      'java.io.tmpdir': this.#dataDir,
      'zookeeper.forceSync': 'no',
      'znode.container.checkIntervalMs': String(sweepMs),
      ...(superPassword === undefined ? {} : planSuper(superPassword)),
    };
    const args = [...javaArguments(properties, 'server.quorum.QuorumPeerMain'), this.#configFile];
    await this.#process.start({ file: 'java', args, netns: this.netns });
  }

  served(): Promise<void> {
    return this.#process.serving(this.name, async () => (await this.mode()) !== undefined);
  }

  /** Ends it as a loss of power would, but for the disk's cache. */
  kill(): Promise<void> {
    return this.#process.kill();
  }

  /** Starts it again, killed or not, with what it had stored, and waits until it serves. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
    await this.served();
  }

  /** Freezes it: connections stay open, new ones are accepted by the kernel, and nothing is answered. */
  stop(): void {
    this.#process.stop();
  }

  /** Lets it go on after `stop`. */
  cont(): void {
    this.#process.cont();
  }

  /** Removes what it has stored. */
  forget(): void {
    rmSync(this.#dataDir, { recursive: true, force: true });
  }

  get #dataDir(): string {
    return `${this.#options.dir}/${this.name}`;
  }

  get #configFile(): string {
    return `${this.#dataDir}.cfg`;
  }

  #config(): readonly string[] {
    const { place, ports, ensemble, tls, tickMs = 200 } = this.#options;
    return [
      `dataDir=${this.#dataDir}`,
      `clientPort=${ports.client}`,
      `clientPortAddress=${place.address}`,
      `tickTime=${tickMs}`,
      // The longest session would be 20 ticks.
      'maxSessionTimeout=60000',
      'maxClientCnxns=0',
      'admin.enableServer=false',
      'extendedTypesEnabled=true',
      '4lw.commands.whitelist=*',
      ...ensemble,
      ...(tls === undefined ? [] : this.#tlsConfig(tls)),
    ];
  }

  #tlsConfig({ ca, cert, key }: Certificates): readonly string[] {
    const keyStore = `${this.#dataDir}.pem`;
    writeFileSync(keyStore, readFileSync(key, 'utf8') + readFileSync(cert, 'utf8'), { mode: 0o600 });
    return [
      `secureClientPort=${this.#options.ports.secure}`,
      `secureClientPortAddress=${this.#options.place.address}`,
      'serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory',
      ...[`ssl.keyStore.location=${keyStore}`, 'ssl.keyStore.type=PEM'],
      ...[`ssl.trustStore.location=${ca}`, 'ssl.trustStore.type=PEM'],
    ];
  }
}

function planSuper(password: string): Readonly<Record<string, string>> {
  const digest = createHash('sha1').update(`super:${password}`).digest('base64');
  return { 'zookeeper.DigestAuthenticationProvider.superDigest': `super:${digest}` };
}
