import { type Instance, isHealthy } from '../registry/instance.ts';
import type { RegistryView } from '../registry/view.ts';
import { type Caller, everyNamespace, maySee, readNamespace } from './access.ts';
import { notFound } from './api-error.ts';
import type { ApiParts } from './parts.ts';
import { readAll, readText, readWord } from './query.ts';
import { json, type Reply, renderedJson } from './reply.ts';
import type { ApiRequest } from './route.ts';
import { labelOfService, parseInstanceId, parseServiceName } from './service-name.ts';
import { hasTags, tagsOf } from './tags.ts';

/** `GET /v1/services`: every service of a namespace in short, in alphabetical order. */
export function listServices({ query, caller }: ApiRequest, { view }: ApiParts): Reply {
  view.refresh();
  const namespace = readNamespace(query, caller);
  const services = view
    .services()
    .filter((service) => isIn(namespace, caller, service))
    .map(({ namespace, service, instances }) => ({
      namespace,
      service,
      name: instances[0]?.serviceName ?? service,
      instances: instances.length,
      passing: instances.filter(isHealthy).length,
      tags: tagsOf(instances),
    }))
    .sort((one, other) =>
      `${one.namespace}/${one.service}` < `${other.namespace}/${other.service}` ? -1 : 1,
    );
  return json({ revision: view.revision, services });
}

/** `GET /v1/services/:name`: the instances of a service, in the order of their registration. */
export function getService(request: ApiRequest, { view, instanceTexts }: ApiParts): Reply {
  view.refresh();
  const status = readWord(request.query, 'status', ['all', 'passing']);
  const tags = readAll(request.query, 'tag');
  const instances = findService(request, view).filter(
    (instance) => (status !== 'passing' || isHealthy(instance)) && hasTags(instance, tags),
  );
  return renderedJson(`{"revision":${view.revision},"instances":${instanceTexts.listOf(instances)}}`);
}

/** `GET /v1/services/:name/:id` */
export function getInstance(request: ApiRequest, { view, instanceTexts }: ApiParts): Reply {
  view.refresh();
  return renderedJson(instanceTexts.of(findInstance(request, view)));
}

/**
 * All instances of the service that a request's path names.
 * @throws ApiError 404 where there is none
 */
export function findService(request: ApiRequest, view: RegistryView): readonly Instance[] {
  const namespace = readNamespace(request.query, request.caller);
  const name = parseServiceName(request.params.name ?? '');
  const found = instancesOf(view, { namespace, name, caller: request.caller });
  if (found.length > 0) return found;
  const where = namespace === everyNamespace ? 'any namespace' : `the namespace ${namespace}`;
  throw notFound(
    `there is no service ${JSON.stringify(name)} in ${where}`,
    'GET /v1/services?namespace=* lists all services',
  );
}

type Asked = { readonly namespace: string; readonly name: string; readonly caller: Caller };

/** All instances of a service as the caller may see them; none where there is no such service. */
export function instancesOf(view: RegistryView, { namespace, name, caller }: Asked): readonly Instance[] {
  if (namespace !== everyNamespace) {
    return view.ofService({ namespace, service: labelOfService(view, namespace, name) });
  }
  return view
    .services()
    .filter((each) => isIn(namespace, caller, each))
    .filter((each) => each.service === labelOfService(view, each.namespace, name))
    .flatMap(({ instances }) => instances);
}

/**
 * The instance that a request's path names. Its namespace need not be given: ids are unique in the registry.
 * @throws ApiError 404, also where the caller may not see it
 */
export function findInstance({ params, query, caller }: ApiRequest, view: RegistryView): Instance {
  const name = parseServiceName(params.name ?? '');
  const id = parseInstanceId(params.id ?? '');
  const namespace = readText(query, 'namespace') ?? everyNamespace;
  const instance = view.get(id);
  const isMeant =
    instance !== undefined &&
    isIn(namespace, caller, instance) &&
    instance.service === labelOfService(view, instance.namespace, name);
  if (isMeant) return instance;
  throw notFound(
    `the service ${JSON.stringify(name)} has no instance ${id}`,
    `GET /v1/services/${encodeURIComponent(name)} lists its instances; it may have been withdrawn`,
  );
}

/** Whether something is in a namespace that was asked for, and that the caller may see. */
export function isIn(asked: string, caller: Caller, { namespace }: { readonly namespace: string }): boolean {
  return asked === everyNamespace
    ? maySee(caller, namespace)
    : asked === namespace && maySee(caller, namespace);
}
