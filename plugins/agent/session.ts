import { readFileSync } from 'node:fs';
import { defaultLimits } from '../../lib/api/limits.ts';
import type { ApiListen } from '../../lib/api/listener.ts';
import { type Api, startApi } from '../../lib/api/server.ts';
import { type Balancer, createBalancer } from '../../lib/balance/balancer.ts';
import { parseNameServers } from '../../lib/dns/resolv-conf.ts';
import { type DnsServer, startDnsServer } from '../../lib/dns/server.ts';
import { onFiles } from '../../lib/errors/system-error.ts';
import { AlertMonitor } from '../../lib/health/alert.ts';
import { HealthScheduler } from '../../lib/health/scheduler.ts';
import type { Log } from '../../lib/log/log.ts';
import { isChecked } from '../../lib/registry/instance.ts';
import type { Store } from '../../lib/registry/store.ts';
import { RegistryView } from '../../lib/registry/view.ts';
import type { CniStatus } from '../../lib/resident/status.ts';
import type { Cluster } from './cluster.ts';
import type { AgentConfig, TokenSource } from './config.ts';
import { createMetrics } from './metrics.ts';
import type { AgentParts } from './parts.ts';
import { createReconciler, openSound } from './registry.ts';
import { tasksOf } from './tasks.ts';
import { startTasks } from './upkeep.ts';

export type Surroundings = {
  readonly parts: AgentParts;
  readonly log: Log;
  /** What goes on beside the sessions, with the other hosts. */
  readonly cluster: Cluster;
  readonly signal: AbortSignal;
};

/**
 * Serves one registry file for as long as it is sound, in its place, and nobody stops the agent.
 * @returns why it ended
 */
export async function runSession(
  config: AgentConfig,
  { parts, log, cluster, signal }: Surroundings,
): Promise<string> {
  await using stack = new AsyncDisposableStack();
  const over = new AbortController();
  stack.defer(() => over.abort());
  const ended = Promise.withResolvers<string>();
  signal.addEventListener('abort', () => ended.resolve('stopped'), { once: true, signal: over.signal });
  const store = stack.use(openSound(config.store, parts, log));
  const reconcile = createReconciler(store, config, parts, log);
  reconcile();
  // Who asks as soon as DNS answers is not to be told that other hosts' names do not exist.
  await Promise.all([cluster.discovery?.settled, cluster.mirrors?.settled]);
  const view = new RegistryView(stack.use(parts.openStore(config.store)), cluster.imports);
  const problems = new Map<string, string>();
  const services = await startServices(stack, { config, parts, log, cluster, store, view, problems });
  const { dns, api } = services;
  for (const deliverer of [cluster.discovery, cluster.mirrors])
    if (deliverer !== undefined)
      stack.use(deliverer.deliverFrom(store, (error) => ended.resolve(error.message)));
  stack.use(
    startTasks(tasksOf({ config, parts, log, store, view, dns, api, reconcile, end: ended.resolve }), {
      log,
      problems,
      onDamage: (error) => ended.resolve(error.message),
    }),
  );
  if (signal.aborted) return 'stopped';
  log.info('serving', { store: config.store, zone: config.zone, instances: view.size, node: store.node });
  // Awaited here: what is returned unawaited would outlive what the stack holds.
  return await ended.promise;
}

type Parts = {
  readonly config: AgentConfig;
  readonly parts: AgentParts;
  readonly log: Log;
  readonly cluster: Cluster;
  readonly store: Store;
  readonly view: RegistryView;
  /** What fails at the moment. */
  readonly problems: ReadonlyMap<string, string>;
};

type Services = { readonly dns: DnsServer; readonly api: Api; readonly health: HealthScheduler };

async function startServices(stack: AsyncDisposableStack, parts: Parts): Promise<Services> {
  const balancer = createBalancer();
  const health = stack.use(startHealth(parts));
  const { config, log, store, view } = parts;
  const alerts = stack.use(new AlertMonitor({ rules: config.alerts, node: store.node, view, log }));
  const dns = stack.use(await startDns(parts));
  const watched: { api: Api | undefined } = { api: undefined };
  const metrics = createMetrics(parts.parts.processMetrics, {
    view,
    dns: () => dns.stats,
    health: () => health.stats,
    alerts: () => alerts.stats,
    balancer: () => balancer.stats(),
    watchers: () => watched.api?.watcherCount() ?? 0,
    cluster: parts.cluster,
    routed: parts.cluster.routed?.asked,
  });
  const api = stack.use(await openApi(parts, { balancer, health, metrics }));
  watched.api = api;
  return { dns, api, health };
}

function startHealth({ config, log, store, view }: Parts): HealthScheduler {
  return new HealthScheduler({
    node: store.node,
    view,
    setStatus: (updates) => store.updateAll(updates, isChecked),
    remove: (ids) => store.remove(ids),
    log,
    mostAtOnce: config.health.concurrency,
  });
}

function startDns({ config: { dns, zone }, log, view }: Parts): Promise<DnsServer> {
  const named =
    dns.resolvConf === undefined
      ? []
      : parseNameServers(readText('dns.resolvConf', dns.resolvConf), dns.listen);
  return startDnsServer({
    addresses: dns.listen,
    view,
    zone,
    ttlSeconds: dns.ttlSeconds,
    negativeTtlSeconds: dns.negativeTtlSeconds,
    upstreams: [...dns.upstreams, ...named],
    visibility: dns.visibility,
    limits: dns.rate === undefined ? {} : { rate: dns.rate },
    log: (line) => log.warn(line),
  });
}

type ApiServing = {
  readonly balancer: Balancer;
  readonly health: HealthScheduler;
  readonly metrics: ReturnType<typeof createMetrics>;
};

function openApi(
  { config, parts, log, cluster, store, view, problems }: Parts,
  { balancer, health, metrics }: ApiServing,
): Promise<Api> {
  return startApi({
    listen: listenersOf(config.api),
    store,
    view,
    picker: balancer,
    metrics: metrics.registry,
    observe: metrics.observe,
    health: {
      heartbeat: (id, status) => health.heartbeat(id, status),
      problems: () => [
        ...[...problems].map(([task, problem]) => `${task}: ${problem}`),
        ...(cluster.rules?.status().problems ?? []),
        ...(cluster.cni?.problems ?? []),
        ...(cluster.overlay?.status().problems ?? []),
        ...(cluster.routed?.asked.ipam().problems ?? []),
        ...(cluster.routed?.asked.routes().problems ?? []),
      ],
    },
    zone: config.zone,
    overlay: () => cluster.overlay?.status(),
    mirrors: () => cluster.mirrors?.status() ?? [],
    cni: cniOf(cluster),
    routed: cluster.routed?.asked,
    node: { name: parts.hostName, address: '', datacenter: 'local', version: parts.version },
    limits: { ...defaultLimits, ...(config.api.rate === undefined ? {} : { rate: config.api.rate }) },
    log,
  });
}

function cniOf({ cni }: Cluster): (() => CniStatus) | undefined {
  return cni === undefined ? undefined : () => cni.status();
}

function listenersOf({ listen, tokens, tls, plaintext }: AgentConfig['api']): readonly ApiListen[] {
  const bearers = tokens.map(({ file, ...token }) => ({ ...token, token: secretOf(token.token, file) }));
  const files =
    tls === undefined
      ? undefined
      : {
          cert: readText('api.tls.cert', tls.cert),
          key: readText('api.tls.key', tls.key),
          ...(tls.ca === undefined ? {} : { clientCa: readText('api.tls.ca', tls.ca) }),
        };
  return listen.map((each) =>
    each.kind === 'unix'
      ? each
      : { ...each, tokens: bearers, plaintext, ...(files === undefined ? {} : { tls: files }) },
  );
}

function secretOf(token: TokenSource['token'], file: TokenSource['file']): string {
  return token ?? readText('api.tokens', file ?? '').trim();
}

function readText(field: string, path: string): string {
  return onFiles(`${field}: reading ${path}`, () => readFileSync(path, 'utf8'));
}
