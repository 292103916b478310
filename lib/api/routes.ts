import { getCni } from './cni.ts';
import { agentSelf, catalogOfService, catalogServices, healthOfService, statusLeader } from './consul.ts';
import { getIpam, releaseHost } from './ipam.ts';
import { getMirrors } from './mirrors.ts';
import { getOverlay } from './overlay.ts';
import { pick, report } from './pick.ts';
import type { Route } from './route.ts';
import { getBgp, getRoutes } from './routing.ts';
import { getInstance, getService, listServices } from './services.ts';
import { healthz, metrics } from './status.ts';
import { watch } from './watch.ts';
import { change, heartbeat, register, withdraw } from './write.ts';
import { discoverEndpoints } from './xds.ts';

/**
 * The API, line by line. Names in bodies match without regard to case, unknown ones are passed over; an error is
 * `{"error": {"status", "message", "hint"}}`. A path that could mean two routes means the first.
 */
export const routes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/services',
    short: true,
    access: 'read',
    summary: 'Services in short. namespace (default "default", "*" for all)',
    handle: listServices,
  },
  {
    method: 'GET',
    path: '/v1/services/:name',
    short: true,
    access: 'read',
    summary: 'Instances of a service. namespace, tag (may repeat), status=all|passing',
    handle: getService,
  },
  {
    method: 'POST',
    path: '/v1/services/:name',
    short: true,
    access: 'write',
    takesBody: true,
    summary:
      'Registers {"Host", "Port", "Endpoint", "Namespace", "PortName", "Protocol", "Weight", "Tags", "Meta", ' +
      '"Check", "Status", "Id"}; only Host, an IP address, must be there. 201 with "id", 200 where it was there already',
    handle: register,
  },
  {
    method: 'GET',
    path: '/v1/services/:name/pick',
    short: true,
    access: 'read',
    summary:
      'One healthy instance. strategy, key (for hashing), port (name or number), family=4|6, tag, caller, ' +
      'except (ids, with commas), namespace',
    handle: pick,
  },
  {
    method: 'GET',
    path: '/v1/services/:name/:id',
    short: true,
    access: 'read',
    summary: 'One instance',
    handle: getInstance,
  },
  {
    method: 'PUT',
    path: '/v1/services/:name/:id',
    short: true,
    access: 'write',
    takesBody: true,
    summary:
      'Changes those of {"Weight", "Tags", "Meta", "Endpoint", "Status": passing|critical|draining|maintenance} ' +
      'that are given',
    handle: change,
  },
  {
    method: 'DELETE',
    path: '/v1/services/:name/:id',
    short: true,
    access: 'write',
    summary: "Withdraws an instance; a container's only with force=1",
    handle: withdraw,
  },
  {
    method: 'PUT',
    path: '/v1/services/:name/:id/heartbeat',
    short: true,
    access: 'write',
    takesBody: true,
    summary: 'A sign of life of an instance with a TTL check. {"Status": passing|critical}',
    handle: heartbeat,
  },
  {
    method: 'POST',
    path: '/v1/services/:name/:id/report',
    short: true,
    access: 'read',
    takesBody: true,
    summary: 'What became of a request to a picked instance. {"LatencyMs", "Failed", "Finished"}',
    handle: report,
  },
  {
    method: 'GET',
    path: '/v1/watch',
    short: true,
    access: 'read',
    summary:
      'What changes: since (a revision), wait (55s), namespace, service; or, with Accept: text/event-stream, events',
    handle: watch,
  },
  {
    method: 'GET',
    path: '/v1/health/service/:name',
    access: 'read',
    summary: 'As Consul answers: passing, tag, ns, index, wait',
    handle: healthOfService,
  },
  {
    method: 'GET',
    path: '/v1/catalog/services',
    access: 'read',
    summary: 'As Consul answers: ns, index, wait',
    handle: catalogServices,
  },
  {
    method: 'GET',
    path: '/v1/catalog/service/:name',
    access: 'read',
    summary: 'As Consul answers: tag, ns, index, wait',
    handle: catalogOfService,
  },
  {
    method: 'GET',
    path: '/v1/agent/self',
    access: 'read',
    summary: 'As Consul answers: the datacenter and the name of this node',
    handle: agentSelf,
  },
  {
    method: 'GET',
    path: '/v1/status/leader',
    access: 'read',
    summary: 'As Consul answers',
    handle: statusLeader,
  },
  {
    method: 'GET',
    path: '/healthz',
    access: 'open',
    summary: 'Whether the agent is well: 200 or 503; the reasons only with a token',
    handle: healthz,
  },
  {
    method: 'GET',
    path: '/v1/overlay',
    short: true,
    access: 'read',
    summary:
      "This machine's part in the overlay: its lease, its devices, the other hosts, and what was repaired",
    handle: getOverlay,
  },
  {
    method: 'GET',
    path: '/v1/ipam',
    short: true,
    access: 'read',
    summary: "The cluster's pools, blocks and hosts, and what of them this machine leases from",
    handle: getIpam,
  },
  {
    method: 'DELETE',
    path: '/v1/ipam/hosts/:host',
    short: true,
    access: 'write',
    summary:
      'Takes its blocks and loans from a host, by name or id, that is gone for good; one that is alive only with force=1',
    handle: releaseHost,
  },
  {
    method: 'GET',
    path: '/v1/routes',
    short: true,
    access: 'read',
    summary: "The ways to the other machines' blocks, and what was repaired",
    handle: getRoutes,
  },
  {
    method: 'GET',
    path: '/v1/bgp',
    short: true,
    access: 'read',
    summary: "This machine's BIRD: its neighbours, what it announces and what it has learned",
    handle: getBgp,
  },
  {
    method: 'GET',
    path: '/v1/mirrors',
    short: true,
    access: 'read',
    summary:
      'How each outside registry stands: what is delivered to it, what is imported from it, and what fails',
    handle: getMirrors,
  },
  {
    method: 'GET',
    path: '/v1/cni',
    short: true,
    access: 'read',
    summary: 'Which path CNI calls take, how long their parts take, and why clients go their own way',
    handle: getCni,
  },
  {
    method: 'GET',
    path: '/metrics',
    access: 'read',
    summary: 'Metrics for Prometheus',
    handle: metrics,
  },
  {
    method: 'POST',
    path: '/v3/discovery:endpoints',
    access: 'read',
    takesBody: true,
    // Envoy names its more than 500 extensions in each request, which takes 77 KB (1.40).
    bodyBytes: 1_048_576,
    summary:
      'As Envoy asks for endpoints over REST (EDS v3): {"resource_names": [service, service.namespace or ' +
      'service.namespace.svc.<zone>, with or without :port], "version_info"}; 304 where nothing has changed',
    handle: discoverEndpoints,
  },
];
