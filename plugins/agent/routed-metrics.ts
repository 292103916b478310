import { Gauge, type Registry } from 'prom-client';
import type { ApiRouted } from '../../lib/api/parts.ts';
import { addGauge } from './gauge.ts';

/** What the numbers of the cluster's addresses, and of the ways to them, are read from. */
export type RoutedMeasures = Pick<ApiRouted, 'ipam' | 'routes' | 'bgp'>;

export function addRoutedMetrics(registry: Registry, routed: RoutedMeasures): void {
  addIpamMetrics(registry, routed);
  addRouteMetrics(registry, routed);
  addSessionMetrics(registry, routed);
}

function addIpamMetrics(registry: Registry, { ipam }: RoutedMeasures): void {
  const add = (name: string, help: string, value: () => number) =>
    addGauge(registry, `fairlead_ipam_${name}`, help, value);
  const own = () => ipam().hosts.find(({ node }) => node === ipam().node);
  add('blocks', 'Blocks that are of this host.', () => own()?.blocks ?? 0);
  add('addresses_leased', 'Addresses that containers of this host have.', () => ipam().share.leased);
  add('addresses_free', 'Addresses that this host can lease without taking more.', () => ipam().share.free);
  add('suspects', 'Leases of dead containers that are about to be freed.', () => ipam().suspects.length);
  add('reclaimed', 'Leases of dead containers that were freed.', () => ipam().reclaimed);
  add('etcd_connected', 'Whether etcd is followed: 1, or 0.', () => Number(ipam().etcd.isConnected));
  add('problems', 'What keeps the addresses from being well.', () => ipam().problems.length);
}

function addRouteMetrics(registry: Registry, { routes }: RoutedMeasures): void {
  const add = (name: string, help: string, value: () => number) =>
    addGauge(registry, `fairlead_routes_${name}`, help, value);
  const missing = () => routes().routes.filter(({ isInstalled }) => !isInstalled);
  add('wanted', "Ways to other hosts' blocks and loans that there should be.", () => routes().routes.length);
  add('missing', 'Those of them that the kernel has not.', () => missing().length);
  add('repairs', 'How often the kernel had to be repaired.', () => routes().drift.repairs);
  add('problems', 'What keeps the routes from being well.', () => routes().problems.length);
}

/** Without any value where the agent writes the routes itself. */
function addSessionMetrics(registry: Registry, { bgp }: RoutedMeasures): void {
  new Gauge({
    name: 'fairlead_bgp_sessions',
    help: 'BGP sessions of this host: those that are established, and the others.',
    labelNames: ['state'],
    registers: [registry],
    async collect() {
      this.reset();
      const status = await bgp();
      if (status === undefined) return;
      const up = status.neighbours.filter(({ state }) => state === 'Established').length;
      this.set({ state: 'up' }, up);
      this.set({ state: 'down' }, status.neighbours.length - up);
    },
  });
}
