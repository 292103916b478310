import { rmSync } from 'node:fs';
import { execa } from 'execa';
import { inside, must } from './process.ts';

/** Where a member of a cluster runs: in a network namespace at its address, or on the machine's loopback. */
export type EtcdPlace = { readonly netns?: string; readonly address: string };

/** PEM files of the servers; with `ca` clients need a certificate of it, as etcd's own client does. */
export type EtcdTls = { readonly cert: string; readonly key: string; readonly ca: string };

export type MemberOptions = EtcdPlace & {
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

/** How long a server of a test may live, in milliseconds. */
const longestLifeMs = 300_000;

/** One real etcd server. */
export class EtcdMember {
  readonly #options: MemberOptions;
  readonly #membership: Membership;
  #child: ReturnType<typeof startServer> | undefined;
  #isStopped = false;
  #log = '';

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
    return this.#child?.pid;
  }

  /** Whether it runs, and is not stopped. */
  get isRunning(): boolean {
    return this.#child !== undefined && !this.#isStopped;
  }

  /** What it has printed; only warnings and worse. */
  get log(): string {
    return this.#log;
  }

  /** Starts the process; `restart` also waits until it answers. */
  async start(): Promise<void> {
    const { netns } = this.#options;
    // Its gateway reaches the server at its own address, for which the namespace's loopback must be up.
    if (netns !== undefined) await must('ip', ['-n', netns, 'link', 'set', 'lo', 'up']);
    const child = startServer(netns, this.#args());
    child.stderr.on('data', (chunk: Buffer) => {
      this.#log += chunk.toString();
    });
    this.#child = child;
  }

  /** Ends it as a loss of power would, but for the disk's cache. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    this.#isStopped = false;
    child?.kill('SIGKILL');
    await child;
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
    this.#child?.kill('SIGSTOP');
    this.#isStopped = true;
  }

  /** Lets it go on after `stop`. */
  cont(): void {
    this.#child?.kill('SIGCONT');
    this.#isStopped = false;
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

function startServer(netns: string | undefined, args: readonly string[]) {
  const options = { reject: false, timeout: longestLifeMs, killSignal: 'SIGKILL', stdout: 'ignore' } as const;
  return netns === undefined
    ? execa('etcd', args, options)
    : execa('nsenter', inside(netns, 'etcd', ...args), options);
}
