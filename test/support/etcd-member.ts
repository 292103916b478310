import { rmSync } from 'node:fs';
import type { ServerPlace } from './registry-server.ts';
import { ServerProcess } from './server-process.ts';

/** PEM files of the servers; with `ca` clients need a certificate of it, as etcd's own client does. */
export type EtcdTls = { readonly cert: string; readonly key: string; readonly ca: string };

export type MemberOptions = ServerPlace & {
  readonly name: string;
  readonly dir: string;
  readonly ports: { readonly client: number; readonly peer: number };
  readonly tls: EtcdTls | undefined;
  /** How long a token of a user lives without being used. */
  readonly tokenTtlSeconds: number;
};

/** What a member is told by the cluster that it belongs to. */
export type Membership = {
  /** What every member is started with; another token is another cluster. */
  readonly token: string;
  readonly initialCluster: string;
  readonly isLeader: (member: EtcdMember) => Promise<boolean>;
  /** Resolves when the members that run answer, or at once where they are no majority. */
  readonly settled: () => Promise<void>;
};

/** One real etcd server. */
export class EtcdMember {
  readonly #options: MemberOptions;
  readonly #membership: Membership;
  readonly #process = new ServerProcess();

  constructor(options: MemberOptions, membership: Membership) {
    this.#options = options;
    this.#membership = membership;
  }

  get name(): string {
    return this.#options.name;
  }

  get netns(): string | undefined {
    return this.#options.netns;
  }

  /** Where clients reach it. */
  get endpoint(): string {
    return this.#url(this.#options.tls === undefined ? 'http' : 'https', this.#options.ports.client);
  }

  /** Where the other members reach it. */
  get peer(): string {
    return this.#url('http', this.#options.ports.peer);
  }

  /** Undefined while it does not run. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Whether it runs, and is not stopped. */
  get isRunning(): boolean {
    return this.#process.isRunning;
  }

  /** What it has printed; only warnings and worse. */
  get log(): string {
    return this.#process.log;
  }

  /** Starts the process; `restart` also waits until it answers. */
  start(): Promise<void> {
    return this.#process.start({ file: 'etcd', args: this.#args(), netns: this.netns });
  }

  /** Ends it as a loss of power would, but for the disk's cache. */
  kill(): Promise<void> {
    return this.#process.kill();
  }

  /** Starts it again, killed or not, with what it had stored, and waits until it answers. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
    await this.#membership.settled();
  }

  isLeader(): Promise<boolean> {
    return this.#membership.isLeader(this);
  }

  /** Freezes it: connections stay open, new ones are accepted by the kernel, and nothing is answered. */
  stop(): void {
    this.#process.stop();
  }

  /** Lets it go on after `stop`. */
  cont(): void {
    this.#process.cont();
  }

  /** Removes what it has stored, and its identity. */
  forget(): void {
    rmSync(this.#dataDir, { recursive: true, force: true });
  }

  get #dataDir(): string {
    return `${this.#options.dir}/${this.name}`;
  }

  #url(scheme: string, port: number): string {
    const { address } = this.#options;
    return `${scheme}://${address.includes(':') ? `[${address}]` : address}:${port}`;
  }

  #args(): readonly string[] {
    const { token, initialCluster } = this.#membership;
    const { tls, tokenTtlSeconds } = this.#options;
    return [
      ...['--name', this.name, '--data-dir', this.#dataDir, '--unsafe-no-fsync'],
      ...['--listen-client-urls', this.endpoint, '--advertise-client-urls', this.endpoint],
      ...['--listen-peer-urls', this.peer, '--initial-advertise-peer-urls', this.peer],
      ...['--initial-cluster', initialCluster, '--initial-cluster-token', token],
      ...['--logger', 'zap', '--log-outputs', 'stderr', '--log-level', 'warn'],
      ...['--bcrypt-cost', '4', '--auth-token-ttl', String(tokenTtlSeconds)],
      ...(tls === undefined
        ? []
        : [
            '--cert-file',
            tls.cert,
            '--key-file',
            tls.key,
            '--trusted-ca-file',
            tls.ca,
            '--client-cert-auth',
          ]),
    ];
  }
}
