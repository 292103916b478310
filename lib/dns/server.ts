import { type RateLimit, RateLimiter } from '../limit/rate-limiter.ts';
import type { RegistryView } from '../registry/view.ts';
import { ConnectionCount } from './connection-count.ts';
import { DatagramBatch } from './datagram-batch.ts';
import { type Door, openDoor } from './door.ts';
import { refuseWildcard } from './listen-failure.ts';
import { QueryService } from './query-service.ts';
import type { Visibility } from './scope.ts';
import { formatServerAddress, type ServerAddress, withoutZone } from './server-address.ts';
import { createStats, type DnsStats } from './stats.ts';
import type { Datagram } from './udp-listener.ts';
import { Forwarder, refuseLoops } from './upstream.ts';
import { createZone, type ZoneOptions } from './zone-config.ts';

export type DnsLimits = {
  /** Queries of one source; undefined: as many as it likes. */
  readonly rate?: RateLimit | undefined;
  /** Whether the rate holds for this machine's own programs as well; by default it does not. */
  readonly rateOnLoopback?: boolean;
  /** TCP connections, all together and of one source. */
  readonly connections?: number;
  readonly connectionsPerSource?: number;
  /** Milliseconds after which a TCP connection without a whole query is closed. */
  readonly idleMs?: number;
};

export type DnsServerOptions = ZoneOptions & {
  /** Single addresses, never a wildcard; more can be added later. */
  readonly addresses: readonly ServerAddress[];
  /** Kept up to date by this server: `refresh` is called after each datagram, before it is answered. */
  readonly view: RegistryView;
  /** Servers that are asked what is not ours, in this order; none: such names are refused. */
  readonly upstreams?: readonly ServerAddress[];
  readonly limits?: DnsLimits;
  /** What containers see; by default only their own networks. */
  readonly visibility?: Visibility;
  readonly log?: (line: string) => void;
};

/** As the addresses come and go, the server stays: a socket is opened and closed with its address, and for nothing else. */
export type DnsServer = AsyncDisposable & {
  /**
   * Listens on one more address, over UDP and TCP; one that is listened on already is left alone.
   * @returns the address, with the port that the kernel chose where 0 was given
   * @throws CniError code 5 where it cannot be had, code 7 for a wildcard and for an upstream's
   */
  readonly add: (server: ServerAddress) => Promise<ServerAddress>;
  /** Listens there no longer; an address that is not listened on is fine. */
  readonly remove: (server: ServerAddress) => Promise<void>;
  readonly addresses: () => readonly ServerAddress[];
  readonly stats: Readonly<DnsStats>;
};

/**
 * Serves DNS over UDP and TCP from the registry.
 * @throws CniError code 7 for a bad option, code 5 for an address that cannot be had; then nothing is left open
 */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const server = new Server(options);
  try {
    for (const address of options.addresses) await server.add(address);
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

const defaultConnections = 150;
const defaultConnectionsPerSource = 20;
const defaultIdleMs = 10_000;

class Server implements DnsServer {
  readonly stats = createStats();
  readonly #options: DnsServerOptions;
  readonly #log: (line: string) => void;
  readonly #service: QueryService;
  readonly #connections: ConnectionCount;
  readonly #batch = new DatagramBatch((batch) => this.#answerAll(batch));
  readonly #doors = new Map<string, Door>();
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: DnsServerOptions) {
    const { view, upstreams = [], visibility = 'network', limits = {} } = options;
    this.#options = options;
    this.#log = options.log ?? (() => {});
    const log = this.#log;
    this.#service = new QueryService({
      view,
      visibility,
      log,
      zone: createZone(options),
      stats: this.stats,
      limiter: createLimiter(limits),
      forwarder: upstreams.length === 0 ? undefined : new Forwarder({ upstreams, log }),
    });
    this.#connections = new ConnectionCount({
      total: limits.connections ?? defaultConnections,
      perSource: limits.connectionsPerSource ?? defaultConnectionsPerSource,
    });
  }

  add(server: ServerAddress): Promise<ServerAddress> {
    return this.#inTurn(async () => {
      if (this.#isClosed) throw new Error('dns: the server is closed');
      refuseWildcard(server);
      refuseLoops(this.#options.upstreams ?? [], [server]);
      const known = this.#doors.get(formatServerAddress(server));
      const door = known ?? (await this.#open(server));
      this.#doors.set(formatServerAddress(door.server), door);
      return door.server;
    });
  }

  remove(server: ServerAddress): Promise<void> {
    return this.#inTurn(async () => {
      const key = formatServerAddress(server);
      const door = this.#doors.get(key);
      this.#doors.delete(key);
      await door?.[Symbol.asyncDispose]();
    });
  }

  addresses(): readonly ServerAddress[] {
    return [...this.#doors.values()].map(({ server }) => server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#turn;
    await Promise.all(this.addresses().map((server) => this.remove(server)));
    this.#service[Symbol.dispose]();
  }

  /** One after the other, so that nobody removes what is just being opened. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  #open(server: ServerAddress): Promise<Door> {
    const listener = withoutZone(server.address);
    return openDoor({
      server,
      connections: this.#connections,
      idleMs: this.#options.limits?.idleMs ?? defaultIdleMs,
      onDatagram: (datagram) => this.#batch.add(datagram),
      answer: async (packet, source) => {
        this.#service.refresh();
        return this.#service.answer(packet, { address: withoutZone(source), listener, transport: 'tcp' });
      },
      onRefused: () => {
        this.stats.refusedConnections++;
      },
      onError: (error) => this.#log(`DNS on ${formatServerAddress(server)}: ${error.message}`),
    });
  }

  #answerAll(batch: readonly Datagram[]): void {
    this.#service.refresh();
    for (const datagram of batch) this.#answerOne(datagram);
  }

  #answerOne(datagram: Datagram): void {
    const { packet, address, listener } = datagram;
    const asker = { address: withoutZone(address), listener: listener.address, transport: 'udp' } as const;
    const answer = this.#service.answer(packet, asker);
    if (answer instanceof Promise) void answer.then((message) => send(datagram, message));
    else send(datagram, answer);
  }
}

function send(datagram: Datagram, message: Buffer | undefined): void {
  if (message !== undefined) datagram.listener.send(message, datagram);
}

function createLimiter({ rate, rateOnLoopback }: DnsLimits): Pick<RateLimiter, 'take'> | undefined {
  if (rate === undefined) return undefined;
  const limiter = new RateLimiter(rate);
  if (rateOnLoopback === true) return limiter;
  return { take: (address) => isLoopback(address) || limiter.take(address) };
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}
