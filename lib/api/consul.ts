import { type Instance, isHealthy } from '../registry/instance.ts';
import { readNamespace } from './access.ts';
import { badRequest } from './api-error.ts';
import { toCatalogEntry, toHealthEntry, toSelf } from './consul-shape.ts';
import type { ApiParts } from './parts.ts';
import { readAll, readDuration, readFlag, readNumber, readText } from './query.ts';
import { json, type Reply, renderedJson } from './reply.ts';
import type { ApiRequest } from './route.ts';
import { labelOfService, parseServiceName } from './service-name.ts';
import { instancesOf, isIn } from './services.ts';
import { hasTags, tagsOf } from './tags.ts';
import type { Topic } from './topics.ts';
import { requirePlace, waitForBatch } from './wait.ts';

/** As Consul has them (developer.hashicorp.com/consul/api-docs/features/blocking). */
const defaultWaitMs = 300_000;
const longestWaitMs = 600_000;
/** Up to this part of a wait is added to it, so that not all come back at once. */
const jitterPart = 16;

/** `GET /v1/health/service/:name` as Consul answers it; a service that is not there is an empty list. */
export async function healthOfService(request: ApiRequest, parts: ApiParts): Promise<Reply> {
  const passing = readFlag(request.query, 'passing');
  const index = await waitForIndex(request, parts);
  const content = parts.answers.remember(keyOf(request, `health passing=${passing}`), () => {
    const instances = selectInstances(request, parts).filter((each) => !passing || isHealthy(each));
    return JSON.stringify(instances.map((instance) => toHealthEntry(instance, describerOf(parts))));
  });
  return answer(content, index);
}

/** `GET /v1/catalog/service/:name` */
export async function catalogOfService(request: ApiRequest, parts: ApiParts): Promise<Reply> {
  const index = await waitForIndex(request, parts);
  const content = parts.answers.remember(keyOf(request, 'catalog'), () => {
    const instances = selectInstances(request, parts);
    return JSON.stringify(instances.map((instance) => toCatalogEntry(instance, describerOf(parts))));
  });
  return answer(content, index);
}

/** `GET /v1/catalog/services`: each service's name with its tags. */
export async function catalogServices(request: ApiRequest, parts: ApiParts): Promise<Reply> {
  const index = await waitForIndex(request, parts);
  const content = parts.answers.remember(keyOf(request, 'services'), () =>
    JSON.stringify(Object.fromEntries(listServices(request, parts))),
  );
  return answer(content, index);
}

function listServices({ query, caller }: ApiRequest, parts: ApiParts) {
  const namespace = readNamespace(query, caller, 'ns');
  const found = parts.view.services().filter((service) => isIn(namespace, caller, service));
  const byName = Map.groupBy(isOnNoNode(query) ? [] : found, ({ service }) => service);
  return [...byName].map(([service, same]) => [service, tagsOf(same.flatMap(({ instances }) => instances))]);
}

/** `GET /v1/agent/self` */
export function agentSelf(_request: ApiRequest, parts: ApiParts): Reply {
  return json(toSelf(describerOf(parts)));
}

/** `GET /v1/status/leader`: there is none to elect; clients ask whether there is one. */
export function statusLeader(_request: ApiRequest, { node }: ApiParts): Reply {
  return json(`${node.address.includes(':') ? `[${node.address}]` : node.address || '127.0.0.1'}:8300`);
}

/**
 * Consul's blocking query: returns once the index is another than `index`, or `wait` is over. An index that the registry
 * has not reached (of another one, or of one that began anew) is answered at once.
 */
async function waitForIndex(request: ApiRequest, parts: ApiParts): Promise<number> {
  refuseUnsupported(request, parts);
  parts.view.refresh();
  const asked = readNumber(request.query, 'index') ?? 0;
  const waitMs = readDuration(request.query, 'wait', longestWaitMs) || defaultWaitMs;
  const endMs = performance.now() + waitMs + (Math.random() * waitMs) / jitterPart;
  if (request.method === 'HEAD') return currentIndex(request, parts);
  while (asked !== 0 && asked === currentIndex(request, parts)) {
    requirePlace(parts);
    const leftMs = endMs - performance.now();
    const outcome = await waitForBatch(topicOf(request, parts), { request, parts, waitMs: leftMs });
    if (outcome !== 'changed') break;
  }
  return currentIndex(request, parts);
}

function currentIndex(request: ApiRequest, parts: ApiParts): number {
  return parts.indexes.of(topicOf(request, parts));
}

function topicOf({ query, caller, params }: ApiRequest, { view }: ApiParts): Topic {
  const namespace = readNamespace(query, caller, 'ns');
  if (params.name === undefined) return { namespace };
  return { namespace, service: labelOfService(view, namespace, parseServiceName(params.name)) };
}

function selectInstances({ query, caller, params }: ApiRequest, { view }: ApiParts): readonly Instance[] {
  const namespace = readNamespace(query, caller, 'ns');
  const tags = readAll(query, 'tag');
  if (isOnNoNode(query)) return [];
  const found = instancesOf(view, { namespace, name: parseServiceName(params.name ?? ''), caller });
  return found.filter((instance) => hasTags(instance, tags));
}

/** Nodes have no metadata here, so that a condition on it is met by none. */
function isOnNoNode(query: URLSearchParams): boolean {
  return readAll(query, 'node-meta').length > 0;
}

/** What would be answered wrongly if it were ignored. @throws ApiError 400 */
function refuseUnsupported({ query }: ApiRequest, { node }: ApiParts): void {
  if (readText(query, 'filter') !== undefined) {
    throw badRequest(
      "filter: Consul's filter expressions are not understood here",
      'use "tag" and "passing"',
    );
  }
  const datacenter = readText(query, 'dc');
  if (datacenter === undefined || datacenter === node.datacenter) return;
  throw badRequest(
    `dc: there is no path to the datacenter ${JSON.stringify(datacenter)}`,
    `this agent serves ${node.datacenter}`,
  );
}

/** All that an answer depends on, besides the registry. */
function keyOf({ query, caller, params }: ApiRequest, kind: string): string {
  const namespace = readNamespace(query, caller, 'ns');
  const { namespaces } = caller;
  return `consul ${kind} ${JSON.stringify([namespace, namespaces, params.name, readAll(query, 'tag'), isOnNoNode(query)])}`;
}

function answer(content: string, index: number): Reply {
  const headers = {
    'X-Consul-Index': String(index),
    'X-Consul-KnownLeader': 'true',
    'X-Consul-LastContact': '0',
  };
  return renderedJson(content, { headers });
}

function describerOf({ node, store }: ApiParts) {
  return { node, nodeId: store.node };
}
