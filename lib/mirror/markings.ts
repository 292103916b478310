import { hash64 } from '../net/hash.ts';
import { isMetaKey, isPrintable, mostDeclared } from '../registry/config.ts';
import type { Instance, Status } from '../registry/instance.ts';
import { defaultNamespace } from '../registry/instance.ts';
import { isLabel, toLabel, toNetworkLabel } from '../registry/label.ts';
import { parseMirroredInstance } from '../registry/mirror-instance.ts';
import type { ServiceKey } from '../registry/view.ts';
import { parsedOrUndefined } from './parsed.ts';
import { toForeignLabel } from './service-name.ts';

/**
 * What an instance has that a registry has no field for, as pairs of text: for the metadata that every registry has. Their
 * names begin with `fairlead-`; metadata of the instance's own with such a name is left out there.
 */
export type Markings = Readonly<Record<string, string>>;

const prefix = 'fairlead-';

/** The marking that says whose an entry is: the machine's id. */
export const nodeMarking = 'fairlead-node';

/** For registries that have no field of their own for it; tags are a list in JSON. */
export const statusMarking = 'fairlead-status';
export const tagsMarking = 'fairlead-tags';
export const weightMarking = 'fairlead-weight';

/** What markings say of an instance: whose it is, and which. */
export type Claim = ServiceKey & { readonly node: string; readonly id: string };

/** What a registry itself has told of an instance. */
export type Native = {
  /** As the registry writes it. */
  readonly service: string;
  /**
   * Whether that machine would have written that instance at this place. Rights are given by place: who may write one
   * service must not speak for another's, so markings that are elsewhere are not believed.
   */
  readonly isPlaceOf: (claim: Claim) => boolean;
  /** What makes it one of its own in this registry. */
  readonly key: string;
  readonly address: string;
  readonly port: number;
  readonly status: Status;
  readonly weight: number;
  readonly tags: readonly string[];
  /** The markings among it. */
  readonly meta: Readonly<Record<string, string>>;
};

/** Pure; nothing where what would be said is the usual. */
export function toMarkings(instance: Instance): Markings {
  const { owner } = instance;
  const said = {
    node: owner.node,
    id: instance.id,
    namespace: instance.namespace,
    service: instance.service,
    name: instance.serviceName === instance.service ? '' : instance.serviceName,
    'port-name': instance.portName,
    transport: instance.transport === 'tcp' ? '' : instance.transport,
    endpoint: instance.endpoint,
    created: String(instance.createdAtMs),
    ...(owner.kind === 'container'
      ? { network: owner.network, container: owner.containerId, host: owner.host, interface: owner.ifName }
      : {}),
  };
  const pairs = Object.entries(said).filter(([, value]) => value !== '');
  return Object.fromEntries(pairs.map(([name, value]) => [prefix + name, value]));
}

/** Metadata of the instance's own, without what looks like a marking. */
export function ownMeta({ meta }: Pick<Instance, 'meta'>): Readonly<Record<string, string>> {
  return withoutMarkings(meta);
}

/** Whose an entry says it is, for those who look for their own; undefined for what no machine of ours has written. */
export function ownerOf(meta: Readonly<Record<string, unknown>>): string | undefined {
  const node = meta[nodeMarking];
  return typeof node === 'string' && isLabel(node) ? node : undefined;
}

/** Whether a machine of ours has written an instance, as far as its place tells. */
export function isOurs({ meta, isPlaceOf }: Pick<Native, 'meta' | 'isPlaceOf'>): boolean {
  const claim = claimIn(meta);
  return claim !== undefined && isPlaceOf(claim);
}

/**
 * An instance as an outside registry tells it: what a machine of ours has written as that machine has it, anything else
 * as a foreign one. It comes from the network: whatever this machine would not have registered itself is refused.
 * @throws CniError code 7 naming the field
 */
export function toInstance(native: Native, registry: string): Instance {
  const { meta } = native;
  const areBelieved = isOurs(native);
  return parseMirroredInstance({
    ...(areBelieved ? markedFields(meta) : foreignFields(native, registry)),
    revision: 0,
    address: native.address,
    port: native.port,
    status: native.status,
    weight: native.weight,
    tags: areBelieved ? native.tags : native.tags.filter(isPrintable).slice(0, mostDeclared),
    meta: areBelieved ? withoutMarkings(meta) : acceptable(meta),
  });
}

/** The same; undefined for what cannot be an instance here, such as one without an IP address. */
export function toInstanceOrNone(toNative: () => Native, registry: string): Instance | undefined {
  return parsedOrUndefined(() => toInstance(toNative(), registry));
}

/** The tags that a machine of ours has written into metadata. @throws SyntaxError */
export function markedTags(meta: Readonly<Record<string, string>>): readonly string[] {
  return JSON.parse(meta[tagsMarking] ?? '[]');
}

/** Others write into their metadata what we would not: that is left out, and the instance stays. */
function acceptable(meta: Native['meta']): Native['meta'] {
  const pairs = Object.entries(withoutMarkings(meta));
  const good = pairs.filter(([name, text]) => isMetaKey(name) && isPrintable(text));
  return Object.fromEntries(good.slice(0, mostDeclared));
}

/** Machines' ids are drawn: 16 hexadecimal digits. */
const nodePattern = /^[0-9a-f]{16}$/;

function claimIn(meta: Readonly<Record<string, string>>): Claim | undefined {
  const [node = '', id = '', namespace = '', service = ''] = ['node', 'id', 'namespace', 'service'].map(
    (name) => meta[prefix + name],
  );
  const isSound = nodePattern.test(node) && [id, namespace, service].every(isLabel);
  return isSound ? { node, id, namespace, service } : undefined;
}

function markedFields(meta: Readonly<Record<string, string>>): Record<string, unknown> {
  const marked = (name: string) => meta[prefix + name];
  const node = marked('node');
  const network = marked('network');
  return {
    id: marked('id'),
    namespace: marked('namespace'),
    service: marked('service'),
    serviceName: marked('name') ?? marked('service'),
    portName: marked('port-name') ?? '',
    transport: marked('transport') ?? 'tcp',
    endpoint: marked('endpoint') ?? '',
    createdAtMs: Number(marked('created') ?? '0'),
    owner:
      network === undefined
        ? { kind: 'api', node }
        : {
            kind: 'container',
            node,
            network,
            networkLabel: toNetworkLabel(network),
            containerId: marked('container'),
            host: marked('host'),
            ifName: marked('interface'),
          },
  };
}

/** Ids are the same on every machine that reads this registry. */
function foreignFields({ service, key }: Native, registry: string): Record<string, unknown> {
  const label = toForeignLabel(service);
  return {
    id: `${label.replace(/-+/g, '-').slice(0, 46).replace(/-$/, '')}-${hash64(`${registry}/${service}/${key}`).slice(0, 16)}`,
    namespace: defaultNamespace,
    service: label,
    serviceName: service,
    portName: '',
    transport: 'tcp',
    endpoint: '',
    createdAtMs: 0,
    owner: { kind: 'api', node: toForeignNode(registry) },
  };
}

/** No machine's id: those are hexadecimal. */
const foreignPrefix = 'outside-';

function toForeignNode(registry: string): string {
  return toLabel(foreignPrefix + registry);
}

/** Whether an instance that a registry has told was written there by others than machines of ours. */
export function isForeign({ owner }: Pick<Instance, 'owner'>): boolean {
  return owner.node.startsWith(foreignPrefix);
}

function withoutMarkings(meta: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(meta).filter(([name]) => !name.startsWith(prefix)));
}
