import { backoffMs, sleep } from './backoff.ts';
import type { Connection } from './connection.ts';
import { AgentFailure } from './errors.ts';
import { parseInstance, type ServiceInstance } from './service-instance.ts';

/** What is registered. */
export type RegistrationRequest = {
  /** An IP address. */
  readonly host: string;
  /** Absent where the service has none. */
  readonly port?: number;
  readonly portName?: string;
  readonly protocol?: 'tcp' | 'udp' | 'sctp';
  /** A path or URL that callers want to know. */
  readonly endpoint?: string;
  readonly namespace?: string;
  /** A DNS label; the agent derives one unless it is given. */
  readonly id?: string;
  readonly weight?: number;
  readonly tags?: readonly string[];
  readonly meta?: Readonly<Record<string, string>>;
  /** Without a heartbeat for so long the instance is critical, and at three times that it is gone; 15 s unless set. */
  readonly ttlMs?: number;
  /** A check that the agent makes, in the place of heartbeats: `{ http: '/health', interval: '5s' }`. */
  readonly check?: Readonly<Record<string, string | number | boolean>>;
};

export type RegistrationOptions = {
  readonly connection: Connection;
  readonly service: string;
  readonly request: RegistrationRequest;
  readonly timeoutMs: number;
  readonly onProblem: (error: unknown) => void;
  readonly onEnd: (registration: Registration) => void;
};

type Status = 'passing' | 'critical';

const defaultTtlMs = 15_000;
/** Two may be lost before the TTL passes. */
const beatsPerTtl = 3;

/**
 * An instance that is registered while this object lives: it sends the heartbeats, registers again where the agent has
 * lost the instance, and withdraws it at the end.
 */
export class Registration implements AsyncDisposable {
  readonly #options: RegistrationOptions;
  readonly #ended = new AbortController();
  readonly #beating: Promise<void>;
  #instance: ServiceInstance;
  #status: Status = 'passing';
  #hurry = new AbortController();

  private constructor(options: RegistrationOptions, instance: ServiceInstance) {
    this.#options = options;
    this.#instance = instance;
    this.#beating = options.request.check === undefined ? this.#beat() : Promise.resolve();
  }

  /** @throws AgentFailure */
  static async create(options: RegistrationOptions): Promise<Registration> {
    return new Registration(options, await register(options));
  }

  /** As the agent has registered it. */
  get instance(): ServiceInstance {
    return this.#instance;
  }

  get id(): string {
    return this.#instance.id;
  }

  /** Whether the instance is well, by its own account; told at once and with each heartbeat. */
  report(status: Status): void {
    this.#status = status;
    this.#hurry.abort();
  }

  /**
   * Ends the heartbeats and withdraws the instance. Where the agent is away it goes by its TTL.
   * @throws AgentFailure
   */
  async withdraw(): Promise<void> {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#hurry.abort();
    this.#options.onEnd(this);
    await this.#beating;
    await this.#ask('DELETE', '').catch((error: unknown) => {
      if (!(error instanceof AgentFailure && error.status === 404)) throw error;
    });
  }

  /** The same, but a failure is told to `onProblem` only. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.withdraw().catch(this.#options.onProblem);
  }

  async #beat(): Promise<void> {
    const everyMs = (this.#options.request.ttlMs ?? defaultTtlMs) / beatsPerTtl;
    for (let failures = 0; !this.#ended.signal.aborted; ) {
      await sleep(failures === 0 ? everyMs : Math.min(backoffMs(failures), everyMs), this.#hurry.signal);
      if (this.#ended.signal.aborted) return;
      this.#hurry = new AbortController();
      failures = (await this.#beatOnce()) ? 0 : failures + 1;
    }
  }

  async #beatOnce(): Promise<boolean> {
    try {
      await this.#ask('PUT', '/heartbeat', { body: { Status: this.#status }, ended: this.#ended.signal });
      return true;
    } catch (error) {
      return this.#recover(error);
    }
  }

  /** An agent that does not know the instance was set up anew, or has given it up: it is registered again. */
  async #recover(error: unknown): Promise<boolean> {
    if (this.#ended.signal.aborted) return true;
    this.#options.onProblem(error);
    if (!(error instanceof AgentFailure && error.status === 404)) return false;
    try {
      this.#instance = await register(this.#options, this.#status, this.#ended.signal);
      return true;
    } catch (again) {
      this.#options.onProblem(again);
      return false;
    }
  }

  async #ask(
    method: 'PUT' | 'DELETE',
    action: '' | '/heartbeat',
    { body, ended }: Said = {},
  ): Promise<unknown> {
    const { connection, service, timeoutMs } = this.#options;
    const { id, namespace } = this.#instance;
    const query = new URLSearchParams({ namespace });
    return connection.ask({
      method,
      path: `/v1/services/${encodeURIComponent(service)}/${encodeURIComponent(id)}${action}?${query}`,
      ...(body === undefined ? {} : { body }),
      signal: within(timeoutMs, ended),
    });
  }
}

type Said = { readonly body?: object; readonly ended?: AbortSignal };

function within(timeoutMs: number, ended: AbortSignal | undefined): AbortSignal {
  return AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(ended === undefined ? [] : [ended])]);
}

async function register(
  { connection, service, request, timeoutMs }: RegistrationOptions,
  status?: Status,
  ended?: AbortSignal,
): Promise<ServiceInstance> {
  const answer = await connection.ask({
    method: 'POST',
    path: `/v1/services/${encodeURIComponent(service)}`,
    body: toBody(request, status),
    signal: within(timeoutMs, ended),
  });
  try {
    return parseInstance(answer);
  } catch (cause) {
    throw new AgentFailure(`registering ${service}: ${(cause as Error).message}`, { cause });
  }
}

/** Fields that were not given are not sent. */
function toBody({ ttlMs = defaultTtlMs, check, ...given }: RegistrationRequest, status?: Status): object {
  const { host, port, portName, protocol, endpoint, namespace, id, weight, tags, meta } = given;
  return {
    Host: host,
    Port: port,
    PortName: portName,
    Protocol: protocol,
    Endpoint: endpoint,
    Namespace: namespace,
    Id: id,
    Weight: weight,
    Tags: tags,
    Meta: meta,
    Status: status,
    Check: check ?? { ttl: `${ttlMs}ms` },
  };
}
