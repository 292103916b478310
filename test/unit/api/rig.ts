import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { Registry } from 'prom-client';
import { type ApiLimits, defaultLimits } from '../../../lib/api/limits.ts';
import type { ApiListen } from '../../../lib/api/listener.ts';
import type { ApiRouted, HeartbeatOutcome } from '../../../lib/api/parts.ts';
import { type Api, startApi } from '../../../lib/api/server.ts';
import { type CallOutcome, createBalancer, type How, type Picker } from '../../../lib/balance/balancer.ts';
import { createLog } from '../../../lib/log/log.ts';
import type { MirrorStatus } from '../../../lib/mirror/status.ts';
import type { InstanceDraft } from '../../../lib/registry/attachment.ts';
import type { Instance } from '../../../lib/registry/instance.ts';
import { openStore } from '../../../lib/registry/sqlite-store.ts';
import type { Store } from '../../../lib/registry/store.ts';
import { RegistryView, type ViewedImports } from '../../../lib/registry/view.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/** An API over a real registry in a directory of its own, served on a Unix socket unless a test says otherwise. */
export type Rig = AsyncDisposable & {
  readonly api: Api;
  readonly dir: string;
  readonly socket: string;
  /** The connection of somebody else to the same registry, as a plugin has. */
  readonly other: Store;
  readonly view: RegistryView;
  /** What the balancer was asked. */
  readonly picks: readonly Pick[];
  readonly reports: readonly CallOutcome[];
  readonly beats: readonly string[];
  readonly logged: readonly string[];
  readonly observed: readonly string[];
  readonly metrics: Registry;
  /** Does something to the registry's file that no Store would do. */
  readonly sql: (text: string) => void;
};

type Pick = { readonly ids: readonly string[]; readonly how: How };

type RigOptions = {
  readonly listen?: readonly ApiListen[];
  readonly limits?: Partial<ApiLimits>;
  readonly heartbeat?: HeartbeatOutcome;
  readonly problems?: readonly string[];
  /** The machine's part in the cluster's addresses; none unless a test says otherwise. */
  readonly routed?: ApiRouted;
  readonly mirrors?: () => readonly MirrorStatus[];
  /** How often the view is refreshed, as the agent does while somebody watches; undefined: only by requests. */
  readonly refreshMs?: number;
  /** What other hosts have. */
  readonly imports?: ViewedImports;
  /** What is there before the API starts. */
  readonly prepare?: (store: Store, sql: (text: string) => void) => void;
};

export async function createRig(options: RigOptions = {}): Promise<Rig> {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(temporaryDirectory()).path;
  const location = { path: `${dir}/registry.db`, bootId: 'boot' };
  const other = stack.use(openStore(location));
  const sql = (text: string) => runSql(location.path, text);
  options.prepare?.(other, sql);
  const view = new RegistryView(stack.use(openStore(location)), options.imports);
  const metrics = new Registry();
  const socket = `${dir}/run/api.sock`;
  const recorded = createRecorder(options);
  const api = await startApi({
    listen: options.listen ?? [{ kind: 'unix', path: socket }],
    store: stack.use(openStore(location)),
    view,
    metrics,
    ...recorded.parts,
    limits: { ...defaultLimits, ...options.limits },
    node: { name: 'node-1', address: '192.0.2.1', datacenter: 'dc1', version: '1.0' },
    overlay: () => undefined,
    routed: options.routed,
    mirrors: options.mirrors,
  });
  stack.use(api);
  if (options.refreshMs !== undefined) {
    stack.adopt(
      setInterval(() => view.refresh(), options.refreshMs),
      clearInterval,
    );
  }
  const owned = stack.move();
  return {
    ...{ api, dir, socket, other, view, metrics, sql },
    ...recorded,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function runSql(path: string, text: string): void {
  using database = new DatabaseSync(path);
  database.exec(text);
}

function createRecorder({ heartbeat = 'ok', problems = [] }: RigOptions) {
  const picks: Pick[] = [];
  const reports: CallOutcome[] = [];
  const beats: string[] = [];
  const logged: string[] = [];
  const observed: string[] = [];
  const balancer = createBalancer({ random: () => 0 });
  const picker: Picker = {
    pick: (candidates, how) => {
      picks.push({ ids: candidates.map(({ id }) => id), how });
      return balancer.pick(candidates, how);
    },
    report: (outcome) => {
      reports.push(outcome);
      balancer.report(outcome);
    },
  };
  return {
    ...{ picks, reports, beats, logged, observed },
    parts: {
      picker,
      health: {
        heartbeat: (id: string, status: string) => {
          beats.push(`${id} ${status}`);
          return heartbeat;
        },
        problems: () => problems,
      },
      log: createLog((line) => logged.push(line), 'text'),
      observe: ({ method, route, status }: { method: string; route: string; status: number }) =>
        observed.push(`${method} ${route} ${status}`),
    },
  };
}

/** What can be registered without the API; passing at 10.1.0.2:80 of the service `web`, but for what a test says. */
export function draftOf(said: Partial<InstanceDraft> = {}): InstanceDraft {
  return {
    id: 'web-1',
    namespace: 'default',
    serviceName: 'web',
    address: '10.1.0.2',
    family: said.address?.includes(':') ? 6 : 4,
    port: 80,
    portName: '',
    transport: 'tcp',
    weight: 1,
    tags: [],
    meta: {},
    endpoint: '',
    status: 'passing',
    ...said,
  };
}

/** Registers what a container offers, as its ADD does. */
export function attach(
  store: Store,
  containerId: string,
  ...instances: InstanceDraft[]
): readonly Instance[] {
  return store.register({
    network: 'net',
    containerId,
    ifName: 'eth0',
    proof: { bootId: 'boot' },
    startedAtUs: 1,
    gateways: [],
    declaration: {},
    instances,
  });
}

export type Answer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Undefined where the answer is no JSON. */
  readonly json: unknown;
};

type Call = {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

/**
 * Sends one request on a connection of its own and reads the whole answer.
 * @param where a socket's path or a URL
 * @param line such as "GET /v1/services"; the path is sent as it stands
 */
export async function call(where: string, line: string, { body, headers = {} }: Call = {}): Promise<Answer> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const response = await begin(where, line, { headers, ...(text === undefined ? {} : { text }) });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const received = Buffer.concat(chunks).toString();
  const isJson = response.headers['content-type'] === 'application/json' && received !== '';
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: received,
    json: isJson ? JSON.parse(received) : undefined,
  };
}

/** The answer as it begins. */
export function begin(
  where: string,
  line: string,
  { headers = {}, text }: { headers?: Readonly<Record<string, string>>; text?: string } = {},
): Promise<IncomingMessage> {
  const [method, path] = line.split(' ', 2);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const base = where.startsWith('/') ? { socketPath: where } : urlParts(where);
  const request = httpRequest({ ...base, method, path, headers, agent: false }, resolve);
  request.once('error', reject);
  request.end(text);
  return promise;
}

function urlParts(where: string): { host: string; port: string } {
  const { hostname, port } = new URL(where);
  return { host: hostname.replace(/^\[|\]$/g, ''), port };
}

/** A number or text at the top of an answer. */
export function fieldOf({ json }: Answer, name: string): string {
  const value = (json as Readonly<Record<string, unknown>>)[name];
  if (value === undefined) throw new Error(`the answer has no ${name}: ${JSON.stringify(json)}`);
  return String(value);
}

/** Waits until something is so, and fails when it does not become so in two seconds. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + 2_000;
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
