import { type Fields, unexpected } from '../cni/fields.ts';
import type { InstanceDraft } from '../registry/attachment.ts';
import type { Instance } from '../registry/instance.ts';
import { toLabel } from '../registry/label.ts';
import type { RegistryView } from '../registry/view.ts';
import { everyNamespace, permitNamespace } from './access.ts';
import { ApiError, badRequest, notFound } from './api-error.ts';
import { parseDraft, parseStatus, parseUpdate } from './instance-body.ts';
import type { ApiParts } from './parts.ts';
import { readFlag, readText } from './query.ts';
import { noContent, type Reply, renderedJson } from './reply.ts';
import type { ApiRequest } from './route.ts';
import { parseServiceName } from './service-name.ts';
import { findInstance } from './services.ts';

/**
 * `POST /v1/services/:name`: registers an instance; 201 with the instance and its `Location`. Registered again it is
 * replaced (200), and keeps its status unless the body has one: who registers every minute must not end a maintenance.
 */
export function register(request: ApiRequest, parts: ApiParts): Reply {
  const { view, instanceTexts } = parts;
  const body = requireBody(request.body);
  const draft = readDraft(body, request, parts);
  view.refresh();
  // Ids are each host's own: another's of this id stays what it is there.
  const known = view.getOwn(draft.id);
  const instance = known === undefined ? parts.store.put(draft) : replace(known, body, { draft, parts });
  view.refresh();
  return renderedJson(instanceTexts.of(instance), {
    status: known === undefined ? 201 : 200,
    headers: { Location: `/v1/services/${instance.service}/${instance.id}` },
  });
}

function readDraft(body: Fields, request: ApiRequest, { store }: ApiParts): InstanceDraft {
  const namespace = namespaceOf(body, request);
  const serviceName = parseServiceName(request.params.name ?? '');
  return parseDraft(body, { namespace, serviceName, node: store.node });
}

type Replacing = { readonly draft: InstanceDraft; readonly parts: ApiParts };

function replace(known: Instance, body: Fields, { draft, parts }: Replacing): Instance {
  requireSameService(known, draft);
  const next = body.raw('Status') === undefined ? { ...draft, status: known.status } : draft;
  return isSame(known, { check: undefined, ...next }) ? known : parts.store.put(next);
}

/** `PUT /v1/services/:name/:id`: changes the fields that the body has, each as a whole. */
export function change(request: ApiRequest, { store, view, instanceTexts }: ApiParts): Reply {
  const update = parseUpdate(requireBody(request.body));
  if (Object.keys(update).length === 0) {
    throw badRequest('the body changes nothing', 'give one of Weight, Tags, Meta, Endpoint and Status');
  }
  view.refresh();
  const known = findOwn(request, view);
  const instance = isSame(known, update) ? known : store.update(known.id, update);
  view.refresh();
  if (instance === undefined) throw withdrawnMeanwhile(known);
  return renderedJson(instanceTexts.of(instance));
}

/** `DELETE /v1/services/:name/:id`: withdraws an instance; a container's only with `force=1`. */
export function withdraw(request: ApiRequest, { store, view }: ApiParts): Reply {
  view.refresh();
  const { id, owner } = findOwn(request, view);
  if (owner.kind === 'container' && !readFlag(request.query, 'force')) {
    throw new ApiError(409, `${id} belongs to the container ${owner.containerId}`, {
      hint:
        'it goes when the runtime detaches the container (DEL); to keep callers away set its Status to "draining", ' +
        'and to remove it all the same add ?force=1: it comes back only with the next ADD',
    });
  }
  store.remove([id]);
  view.refresh();
  return noContent;
}

/** `PUT /v1/services/:name/:id/heartbeat`: a sign of life of an instance with a TTL check. */
export function heartbeat(request: ApiRequest, { view, health }: ApiParts): Reply {
  const status = (request.body && parseStatus(request.body, ['passing', 'critical'])) ?? ('passing' as const);
  view.refresh();
  const instance = findOwn(request, view);
  const outcome = health.heartbeat(instance.id, status);
  view.refresh();
  switch (outcome) {
    case 'ok':
      return noContent;
    case 'unknown':
      throw withdrawnMeanwhile(instance);
    case 'no-ttl':
      throw new ApiError(409, `${instance.id} has no TTL check, so nobody waits for its heartbeat`, {
        hint: 'register it with a check such as {"Check": {"ttl": "10s"}}, or change its Status instead',
      });
  }
}

/** @throws ApiError 409 for what another host has registered: it alone knows how that is, and tells all others */
function findOwn(request: ApiRequest, view: RegistryView): Instance {
  const found = findInstance(request, view);
  if (!view.isImported(found)) return found;
  const { id, owner } = found;
  throw new ApiError(409, `${id} belongs to another host, ${owner.node}`, {
    hint: "ask that host's agent; each host's id is in the file node-id beside its registry",
  });
}

/** The body of a request that makes no sense without one. @throws ApiError 400 */
export function requireBody(body: Fields | undefined): Fields {
  if (body !== undefined) return body;
  throw badRequest('the body is missing', 'send a JSON object');
}

function namespaceOf(body: Fields, { query, caller }: ApiRequest): string {
  const inBody = body.string('Namespace') || undefined;
  const inQuery = readText(query, 'namespace');
  if (inBody !== undefined && inQuery !== undefined && toLabel(inBody) !== toLabel(inQuery)) {
    throw unexpected('Namespace', `the namespace of the query, ${JSON.stringify(inQuery)}`, inBody);
  }
  const namespace = permitNamespace(inBody ?? inQuery, caller);
  if (namespace !== everyNamespace) return namespace;
  throw badRequest('Namespace: an instance is registered in one namespace, not in "*"');
}

/** An id that the caller chose must not move an instance from one service to another, or take a container's. */
function requireSameService(known: Instance, { id, namespace, serviceName }: InstanceDraft): void {
  const isSame =
    known.owner.kind === 'api' &&
    known.namespace === namespace &&
    known.serviceName.toLowerCase() === serviceName.toLowerCase();
  if (isSame) return;
  const owner = known.owner.kind === 'container' ? ` of container ${known.owner.containerId}` : '';
  throw new ApiError(
    409,
    `the id ${id} is that of another instance${owner}, in the service ${known.service}`,
    {
      hint: 'leave Id out to have one derived, choose another, or withdraw the other instance first',
    },
  );
}

/** A change that changes nothing would wake every watcher: whoever registers every minute must not. */
function isSame(known: Instance, said: Readonly<Record<string, unknown>>): boolean {
  return JSON.stringify({ ...known, ...said }) === JSON.stringify(known);
}

function withdrawnMeanwhile({ id, service }: Instance): ApiError {
  return notFound(
    `${id} of the service ${service} has just been withdrawn`,
    'register it again if it is to live',
  );
}
