import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Observed } from '../../lib/api/exchange.ts';
import type { BalancerStats } from '../../lib/balance/balancer.ts';
import type { DnsStats } from '../../lib/dns/stats.ts';
import type { AlertStats } from '../../lib/health/alert.ts';
import type { HealthStats } from '../../lib/health/scheduler.ts';
import { type Instance, statuses } from '../../lib/registry/instance.ts';
import type { RegistryView } from '../../lib/registry/view.ts';
import type { Cluster } from './cluster.ts';
import { addGauge } from './gauge.ts';
import { addMirrorMetrics } from './mirror-metrics.ts';
import { addRoutedMetrics, type RoutedMeasures } from './routed-metrics.ts';
import { addRulesMetrics } from './rules-metrics.ts';

/** What the numbers are read from, when they are asked for. */
export type Measured = {
  readonly view: RegistryView;
  readonly dns: () => DnsStats;
  readonly health: () => HealthStats;
  readonly alerts: () => AlertStats;
  readonly balancer: () => BalancerStats;
  readonly watchers: () => number;
  readonly cluster: Pick<Cluster, 'overlay' | 'discovery' | 'mirrors' | 'rules'>;
  /** Undefined where this host has no part in the cluster's addresses. */
  readonly routed?: RoutedMeasures | undefined;
};

/** How often the delay of the event loop is sampled; for each sample an idle agent wakes up. */
const lagSampleMs = 100;

/** What there is once for a process: memory, CPU, garbage collection. */
export function createProcessMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: lagSampleMs });
  return registry;
}

/** The agent's metrics; hot paths count in plain numbers, which are read here. */
export function createMetrics(
  ofProcess: Registry,
  measured: Measured,
): { registry: Registry; observe: (seen: Observed) => void } {
  const registry = new Registry();
  addRegistryMetrics(registry, measured);
  addDnsMetrics(registry, measured);
  addHealthMetrics(registry, measured);
  addClusterMetrics(registry, measured.cluster);
  if (measured.cluster.mirrors !== undefined) addMirrorMetrics(registry, measured.cluster.mirrors);
  if (measured.cluster.rules !== undefined) addRulesMetrics(registry, measured.cluster.rules);
  if (measured.routed !== undefined) addRoutedMetrics(registry, measured.routed);
  const observe = addApiMetrics(registry, measured);
  return { registry: Registry.merge([ofProcess, registry]), observe };
}

function addRegistryMetrics(registry: Registry, { view }: Measured): void {
  addGauge(
    registry,
    'fairlead_registry_revision',
    'Revision of the registry that is served.',
    () => view.revision,
  );
  new Gauge({
    name: 'fairlead_instances',
    help: 'Instances registered on this host, by their status.',
    labelNames: ['status'],
    registers: [registry],
    collect() {
      const own = [...view.all()].filter((instance) => !view.isImported(instance));
      const counts = Map.groupBy(own, ({ status }: Instance) => status);
      for (const status of statuses) this.set({ status }, counts.get(status)?.length ?? 0);
    },
  });
}

function addDnsMetrics(registry: Registry, { dns }: Measured): void {
  new Gauge({
    name: 'fairlead_dns_answers',
    help: 'DNS answers since the start, by how the query ended.',
    labelNames: ['rcode'],
    registers: [registry],
    collect() {
      for (const [rcode, count] of Object.entries(dns().outcomes)) this.set({ rcode }, count);
    },
  });
  const counts = [
    'cacheHits',
    'forwarded',
    'truncated',
    'limited',
    'malformed',
    'refusedConnections',
  ] as const;
  for (const name of counts)
    addGauge(registry, `fairlead_dns_${toSnake(name)}`, `DNS since the start: ${name}.`, () => dns()[name]);
}

function addHealthMetrics(registry: Registry, { health, alerts, balancer }: Measured): void {
  const names = [
    'checks',
    'probing',
    'lateMs',
    'probesPassed',
    'probesFailed',
    'toPassing',
    'toCritical',
    'heartbeats',
    'expired',
    'removed',
    'writeFailures',
  ] as const;
  for (const name of names)
    addGauge(registry, `fairlead_health_${toSnake(name)}`, `Health checks: ${name}.`, () => health()[name]);
  addGauge(registry, 'fairlead_alerts_firing', 'Alerts whose condition holds.', () => alerts().firing);
  addGauge(
    registry,
    'fairlead_ejected',
    'Instances that pick leaves out for a while.',
    () => balancer().ejected,
  );
}

/** Only of what this host takes part in. */
function addClusterMetrics(registry: Registry, { overlay, discovery }: Measured['cluster']): void {
  if (overlay !== undefined) {
    const status = () => overlay.status();
    const held = () => Number(status().lease.state === 'held');
    addGauge(registry, 'fairlead_overlay_lease_held', 'Whether this host has a subnet: 1, or 0.', held);
    addGauge(registry, 'fairlead_overlay_peers', 'Other hosts that are led to.', () => status().peers.length);
    const refused = () => status().refused.length;
    addGauge(registry, 'fairlead_overlay_leases_refused', 'Leases of others that are not followed.', refused);
    const repairs = () => status().drift.repairs;
    addGauge(registry, 'fairlead_overlay_repairs', 'How often the kernel had to be repaired.', repairs);
    const connected = () => Number(status().etcd.isConnected);
    addGauge(registry, 'fairlead_overlay_etcd_connected', 'Whether etcd is followed: 1, or 0.', connected);
    const problems = () => status().problems.length;
    addGauge(registry, 'fairlead_overlay_problems', 'What keeps the overlay from being well.', problems);
  }
  if (discovery === undefined) return;
  const connected = () => Number(discovery.status().isConnected);
  addGauge(
    registry,
    'fairlead_discovery_connected',
    "Whether others' names are followed: 1, or 0.",
    connected,
  );
  const lag = () => discovery.status().lag ?? 0;
  addGauge(
    registry,
    'fairlead_discovery_lag',
    'Revisions of the registry that others were not told of.',
    lag,
  );
  const imported = () => discovery.status().imported;
  addGauge(registry, 'fairlead_discovery_imported', 'Instances of other hosts.', imported);
}

function addApiMetrics(registry: Registry, { watchers }: Measured): (seen: Observed) => void {
  addGauge(registry, 'fairlead_watchers', 'Requests and streams that wait for changes.', watchers);
  const requests = new Counter({
    name: 'fairlead_api_requests_total',
    help: 'API requests, by route and status.',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'fairlead_api_request_seconds',
    help: 'How long API requests took; a long poll takes as long as it waits.',
    labelNames: ['route'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2],
    registers: [registry],
  });
  return ({ method, route, status, seconds }) => {
    requests.inc({ method, route, status });
    durations.observe({ route }, seconds);
  };
}

function toSnake(name: string): string {
  return name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
}
