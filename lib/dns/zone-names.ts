import type { Instance } from '../registry/instance.ts';
import { toLabel } from '../registry/label.ts';
import type { RegistryView, ServiceKey } from '../registry/view.ts';
import { type Contents, emptyContents } from './answer.ts';
import type { Labels } from './name.ts';
import { type Scope, seesNetwork, visibleOf } from './scope.ts';
import {
  balancedContents,
  hostContents,
  instanceContents,
  type Publication,
  portContents,
} from './service-contents.ts';

/** Where names are looked up, and for whom. */
export type Lookup = Publication & { readonly view: RegistryView; readonly scope: Scope };

/**
 * What stands at a name of containers or services.
 * @param below the labels left of the zone's, at least one
 * @returns undefined where the name does not exist
 */
export function findContents(below: Labels, lookup: Lookup): Contents | undefined {
  return below.at(-1) === 'svc' ? findInServices(below.slice(0, -1), lookup) : findInNetworks(below, lookup);
}

/** `<host>.<network>`; a network by itself is there, and has nothing. */
function findInNetworks(below: Labels, { view, scope }: Lookup): Contents | undefined {
  const [network = '', host, ...further] = below.toReversed();
  if (further.length > 0 || !view.hasNetwork(network) || !seesNetwork(scope, network)) return undefined;
  if (host === undefined) return emptyContents;
  return ifAny(view.ofHost(network, host), hostContents);
}

/** `[<instance or tag> | [_<port>.]_<transport>].<service>.<namespace>`, and what is on the way there. */
function findInServices(below: Labels, lookup: Lookup): Contents | undefined {
  const [namespace, service, ...further] = below.toReversed();
  if (namespace === undefined) return emptyContents;
  if (service === undefined) return lookup.view.hasNamespace(namespace) ? emptyContents : undefined;
  const instances = visibleOf(lookup.view.ofService({ namespace, service }), lookup.scope);
  if (instances.length === 0) return undefined;
  return findInService({ namespace, service, instances }, further, lookup);
}

type Service = ServiceKey & { readonly instances: readonly Instance[] };

/** @param further the labels left of the service's, from right to left */
function findInService(service: Service, further: Labels, lookup: Lookup): Contents | undefined {
  const [label, port, ...tooMany] = further;
  if (label === undefined) return balancedContents(service.instances, lookup);
  if (tooMany.length > 0) return undefined;
  if (label.startsWith('_')) return findPort(service, { transport: label, port }, lookup);
  return port === undefined ? findPart(service, label, lookup) : undefined;
}

function findPort(
  { instances }: Service,
  wanted: { readonly transport: string; readonly port: string | undefined },
  lookup: Lookup,
): Contents | undefined {
  const named = instances.filter(({ transport, port }) => `_${transport}` === wanted.transport && port !== 0);
  if (wanted.port === undefined) return ifAny(named, () => emptyContents);
  const ofPort = named.filter(({ port, portName }) =>
    [`_${portName}`, `_${port}`].includes(wanted.port ?? ''),
  );
  return ifAny(ofPort, () => portContents(ofPort, lookup));
}

/** An instance by its id or its container's label, or else all that bear a tag: a tag never hides an instance. */
function findPart({ instances }: Service, label: string, lookup: Lookup): Contents | undefined {
  const named = instances.filter(
    ({ id, owner }) => id === label || (owner.kind === 'container' && owner.host === label),
  );
  if (named.length > 0) return instanceContents(named, lookup);
  const tagged = instances.filter(({ tags }) => tags.some((tag) => toLabel(tag) === label));
  return ifAny(tagged, () => balancedContents(tagged, lookup));
}

function ifAny(
  instances: readonly Instance[],
  toContents: (instances: readonly Instance[]) => Contents,
): Contents | undefined {
  return instances.length === 0 ? undefined : toContents(instances);
}
