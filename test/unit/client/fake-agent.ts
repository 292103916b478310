import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** An instance as the agent's API writes it. */
export type InstanceJson = {
  readonly id: string;
  readonly namespace: string;
  readonly service: string;
  readonly host: string;
  readonly port: number;
  readonly status: string;
  readonly [field: string]: unknown;
};

export function jsonOf(said: Partial<InstanceJson> = {}): InstanceJson {
  return {
    id: 'web-1',
    namespace: 'default',
    service: 'web',
    serviceName: 'web',
    host: '10.1.0.2',
    family: 4,
    port: 80,
    portName: '',
    protocol: 'tcp',
    weight: 1,
    tags: [],
    meta: {},
    endpoint: '',
    status: 'passing',
    owner: { kind: 'api', node: 'n1' },
    createdAt: '2026-01-01T00:00:00.000Z',
    revision: 1,
    ...said,
  };
}

export type Asked = {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: Record<string, unknown> | undefined;
};

type Change = { readonly revision: number; readonly kind: 'put' | 'remove'; readonly instance: InstanceJson };

/** What the client needs of an agent, over real HTTP: a watch, registrations, heartbeats, reports. */
export class FakeAgent implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #watchers = new Map<ServerResponse, string | null>();
  readonly #instances = new Map<string, InstanceJson>();
  readonly #history: Change[] = [];
  #revision = 1;
  #where: string | { readonly host: string; readonly port: number };
  readonly asked: Asked[] = [];
  /** What every request is answered instead, where that is set. */
  refusal: { readonly status: number; readonly message: string; readonly hint?: string } | undefined;
  /** Whether requests stay without an answer. */
  isSilent = false;

  constructor(first: readonly InstanceJson[] = [], socketPath?: string) {
    for (const instance of first) this.#instances.set(instance.id, instance);
    this.#where = socketPath ?? { host: '127.0.0.1', port: 0 };
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** What `createClient` takes. */
  get api(): string {
    return typeof this.#where === 'string' ? `unix:${this.#where}` : `http://127.0.0.1:${this.#where.port}`;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(this.#where, resolve));
    const address = this.#server.address();
    if (typeof address === 'object') this.#where = { host: '127.0.0.1', port: (address as AddressInfo).port };
    return this;
  }

  /** The agent goes away; `start` brings it back at the same place. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  put(...instances: readonly InstanceJson[]): void {
    this.#revision++;
    for (const instance of instances) {
      this.#instances.set(instance.id, instance);
      this.#history.push({ revision: this.#revision, kind: 'put', instance });
    }
    this.#publish();
  }

  remove(id: string): void {
    const instance = this.#instances.get(id);
    if (instance === undefined) return;
    this.#instances.delete(id);
    this.#history.push({ revision: ++this.#revision, kind: 'remove', instance });
    this.#publish();
  }

  /** The history is lost: who comes back gets a snapshot. */
  forgetHistory(): void {
    this.#history.length = 0;
    this.#revision += 100;
  }

  has(id: string): boolean {
    return this.#instances.has(id);
  }

  /** Everything that was asked by that method, of paths with that in them. */
  askedFor(method: string, part: string): readonly Asked[] {
    return this.asked.filter((each) => each.method === method && each.url.pathname.includes(part));
  }

  /** Writes to all watchers what is not an event of the protocol. */
  writeRaw(text: string): void {
    for (const watcher of this.#watchers.keys()) watcher.write(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.stop();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = (await request.toArray()).join('');
    const url = new URL(request.url ?? '', 'http://agent');
    const { method = '', headers } = request;
    this.asked.push({ method, url, headers, body: text === '' ? undefined : JSON.parse(text) });
    if (this.isSilent) return;
    if (this.refusal !== undefined) {
      const { status, ...said } = this.refusal;
      answer(response, status, { error: { status, ...said } });
    } else if (url.pathname === '/v1/watch') this.#watch(url, headers, response);
    else this.#change(method, url.pathname.split('/').slice(2).map(decodeURIComponent), text, response);
  }

  #watch(url: URL, headers: IncomingMessage['headers'], response: ServerResponse): void {
    const service = url.searchParams.get('service');
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('retry: 20\n\n');
    const since = Number(headers['last-event-id'] ?? Number.NaN);
    const missed = this.#history.filter(({ revision }) => revision > since);
    const isKnown = since === this.#revision || this.#history.some(({ revision }) => revision === since + 1);
    if (isKnown) response.write(eventsOf(missed, service));
    else {
      const instances = [...this.#instances.values()].filter((each) => each.service === service);
      const data = JSON.stringify({ revision: this.#revision, instances });
      response.write(`event: snapshot\nid: ${this.#revision}\ndata: ${data}\n\n`);
    }
    this.#watchers.set(response, service);
    response.once('close', () => this.#watchers.delete(response));
  }

  #publish(): void {
    const fresh = this.#history.filter(({ revision }) => revision === this.#revision);
    for (const [watcher, service] of this.#watchers) watcher.write(eventsOf(fresh, service));
  }

  #change(method: string, path: readonly string[], text: string, response: ServerResponse): void {
    const [, service = '', id = '', action] = path;
    if (method === 'POST' && id === '') {
      const { Host, Port = 0, Namespace = 'default', Id = `${service}-auto` } = JSON.parse(text);
      const made = jsonOf({ id: Id, service, namespace: Namespace, host: Host, port: Port });
      this.put(made);
      answer(response, 201, made);
    } else if (!this.#instances.has(id)) {
      answer(response, 404, { error: { status: 404, message: `no instance ${id}`, hint: 'register it' } });
    } else {
      if (method === 'DELETE') this.remove(id);
      answer(response, action === undefined && method === 'PUT' ? 200 : 204);
    }
  }
}

function eventsOf(changes: readonly Change[], service: string | null): string {
  const ofService = changes.filter(({ instance }) => instance.service === service);
  const byRevision = Map.groupBy(ofService, ({ revision }) => revision);
  return [...byRevision]
    .map(
      ([revision, ofRevision]) =>
        `event: change\nid: ${revision}\ndata: ${JSON.stringify({ revision, changes: ofRevision })}\n\n`,
    )
    .join('');
}

function answer(response: ServerResponse, status: number, body?: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

/** Waits, for 3 s at most, until something holds. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const endsAtMs = performance.now() + 3_000;
  while (!(await isTrue())) {
    if (performance.now() > endsAtMs) throw new Error(`3 s have passed, and still not: ${isTrue}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
