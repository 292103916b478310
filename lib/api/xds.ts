import { createHash } from 'node:crypto';
import { defaultZone } from '../registry/instance.ts';
import { parseDiscoveryRequest } from '../xds/discovery-request.ts';
import { endpointsType, toLoadAssignment } from '../xds/load-assignment.ts';
import { parseResourceName } from '../xds/resource-name.ts';
import { everyNamespace, permitNamespace } from './access.ts';
import type { ApiParts } from './parts.ts';
import { type Reply, renderedJson, toContent } from './reply.ts';
import type { ApiRequest } from './route.ts';
import { labelOfService, parseServiceName } from './service-name.ts';
import { instancesOf } from './services.ts';
import type { Topic } from './topics.ts';
import { hasPlace, waitForBatch } from './wait.ts';
import { requireBody } from './write.ts';

/** 304: Envoy goes on with what it has. */
const notModified: Reply = { status: 304 };

const longestHoldMs = 55_000;
/** This part of Envoy's patience is waited for a change; the rest is for the way. */
const heldPart = 0.8;

/**
 * `POST /v3/discovery:endpoints`: the endpoints of services, as Envoy's REST subscription of EDS asks for them. Where it
 * has them already they are sent once they change, or 304 shortly before its patience ends. A service that there is not
 * has no endpoints.
 */
export function discoverEndpoints(request: ApiRequest, parts: ApiParts): Promise<Reply> {
  const { version, resourceNames } = readRequest(request, parts);
  parts.view.refresh();
  const resources = resourceNames.map((name) => toResource(name, request, parts));
  // What Envoy tells of itself is half a megabyte in memory, which must not be held while it waits.
  const withoutBody = { ...request, body: undefined };
  return answerOther({ version, resources }, withoutBody, parts);
}

function readRequest({ body }: ApiRequest, { refusals }: ApiParts) {
  const asked = parseDiscoveryRequest(requireBody(body));
  refusals.note(asked);
  return asked;
}

type Resource = {
  readonly clusterName: string;
  readonly namespace: string;
  readonly service: string;
  readonly port: string | undefined;
};

/** @throws ApiError 400, 403; CniError code 7 */
function toResource(clusterName: string, { caller }: ApiRequest, { zone = defaultZone }: ApiParts): Resource {
  const { service, namespace, port } = parseResourceName(clusterName, zone);
  return {
    clusterName,
    namespace: permitNamespace(namespace, caller),
    service: parseServiceName(service),
    port,
  };
}

type Known = { readonly version: string; readonly resources: readonly Resource[] };

/** The endpoints, once their version is not the one that is known; 304 where nobody waits any more. */
async function answerOther(
  { version, resources }: Known,
  request: ApiRequest,
  parts: ApiParts,
): Promise<Reply> {
  const endMs = performance.now() + holdMsOf(request);
  for (;;) {
    const found = answerOf(resources, request, parts);
    if (found.version !== version) return renderedJson(found.content);
    const waitMs = endMs - performance.now();
    // Whoever finds no place to wait asks again all the same.
    if (waitMs <= 0 || !hasPlace(parts)) return notModified;
    const outcome = await waitForBatch(topicOf(resources, parts), { request, parts, waitMs });
    if (outcome === 'ended') return notModified;
  }
}

/** Envoy's `request_timeout`, of which it tells with every request; who does not tell is answered at once. */
function holdMsOf({ headers }: ApiRequest): number {
  const patience = headers['x-envoy-expected-rq-timeout-ms'];
  const patienceMs = typeof patience === 'string' && /^\d{1,9}$/.test(patience) ? Number(patience) : 0;
  return Math.min(patienceMs * heldPart, longestHoldMs);
}

type Answer = { readonly version: string; readonly content: string | Uint8Array };

/** The version is made of the endpoints alone: a change that does not touch them, or a new start, wakes no Envoy. */
function answerOf(resources: readonly Resource[], request: ApiRequest, parts: ApiParts): Answer {
  const key = `endpoints ${JSON.stringify([resources, request.caller.namespaces])}`;
  return parts.answers.remember(key, () => {
    const assignments = resources.map((resource) => assign(resource, request, parts));
    const version = digestOf(JSON.stringify(assignments));
    const answer = { version_info: version, resources: assignments, type_url: endpointsType, nonce: version };
    return { version, content: toContent(JSON.stringify(answer)) };
  });
}

function assign(
  { clusterName, namespace, service, port }: Resource,
  { caller }: ApiRequest,
  parts: ApiParts,
) {
  const instances = instancesOf(parts.view, { namespace, name: service, caller });
  return toLoadAssignment(clusterName, parts.candidateLists.of(instances, { port, tags: [] }).list);
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function topicOf(resources: readonly Resource[], { view }: ApiParts): Topic {
  const [resource, ...more] = resources;
  if (resource === undefined || more.length > 0) return { namespace: everyNamespace };
  const { namespace, service } = resource;
  return { namespace, service: labelOfService(view, namespace, service) };
}
