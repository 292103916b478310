import { type Candidate, weightOf } from '../balance/candidate.ts';
import { takingTraffic } from '../balance/taking-traffic.ts';
import type { Instance } from '../registry/instance.ts';

/** What this agent serves of xDS, as `type_url` names it. */
export const endpointsType = 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment';

type Weighted = Pick<Candidate<Instance>, 'instance'>;

/**
 * The endpoints of one cluster (envoy.config.endpoint.v3.ClusterLoadAssignment), as proto3's JSON mapping has them with
 * the names of the .proto. Weights are those that `pick` goes by.
 * @param instances those that `pick` would choose among
 */
export function toLoadAssignment(clusterName: string, instances: readonly Instance[]) {
  const reachable = instances.filter(isReachable).map((instance) => ({ instance }));
  const byLocality = Map.groupBy(takingTraffic(reachable), ({ instance }) =>
    JSON.stringify(localityOf(instance)),
  );
  return {
    '@type': endpointsType,
    cluster_name: clusterName,
    endpoints: [...byLocality.values()].map(toLocalityEndpoints),
  };
}

/** Envoy connects to a port, by TCP or UDP. */
function isReachable({ port, transport }: Instance): boolean {
  return port !== 0 && transport !== 'sctp';
}

/** The sum as the locality's own weight: where Envoy goes by localities first, each instance still gets its part. */
function toLocalityEndpoints(weighted: readonly Weighted[]) {
  const [first] = weighted;
  const locality = first === undefined ? {} : localityOf(first.instance);
  return {
    ...(Object.keys(locality).length === 0 ? {} : { locality }),
    lb_endpoints: weighted.map(toEndpoint),
    load_balancing_weight: weighted.reduce((sum, each) => sum + weightOf(each), 0),
  };
}

function toEndpoint(weighted: Weighted) {
  const { address, port, transport } = weighted.instance;
  const protocol = transport === 'udp' ? 'UDP' : 'TCP';
  return {
    endpoint: { address: { socket_address: { protocol, address, port_value: port } } },
    health_status: 'HEALTHY',
    load_balancing_weight: weightOf(weighted),
  };
}

/** Where an instance says that it is (envoy.config.core.v3.Locality), in metadata of these names. */
function localityOf({ meta }: Instance): Readonly<Record<string, string>> {
  const said = ['region', 'zone', 'sub_zone'].map((part) => [part, meta[part] ?? ''] as const);
  return Object.fromEntries(said.filter(([, value]) => value !== ''));
}
