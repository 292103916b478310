import { Fields } from '../../cni/fields.ts';
import type { Instance } from '../../registry/instance.ts';
import { isLabel } from '../../registry/label.ts';
import { ownerOf, toInstance } from '../markings.ts';
import { parsedOrUndefined } from '../parsed.ts';
import { outsideName } from '../service-name.ts';
import type { Payload } from './config.ts';
import type { Layout, Place } from './layout.ts';
import { type Metadata, parseMetadata, tagsIn, toMetadata, weightIn } from './metadata.ts';

/** The layout of Curator's x-discovery. */
export function curatorLayout(payload: Payload): Layout {
  return {
    childOf: ({ id }, node) => toChild(id, node),
    write: (instance, place) => writeInstance(instance, place, payload),
    read: (text, place, registry) => parsedOrUndefined(() => readInstance(text, place, registry)),
    isOwnName: (child, node) => child.startsWith(`${node}.`) && isLabel(child.slice(node.length + 1)),
    writerOf: (text) => parsedOrUndefined(() => ownerOf(metadataOf(new Fields(JSON.parse(text), '')))),
  };
}

/** No label has a dot in it: no machine's id can be the beginning of another's. */
function toChild(id: string, node: string): string {
  return `${node}.${id}`;
}

const ownField = 'fairlead';

/** What Jackson needs to know to read the payload. */
const springClass = 'org.springframework.cloud.zookeeper.discovery.ZookeeperInstance';

function writeInstance(instance: Instance, { service, child }: Place, payload: Payload): string {
  const metadata = toMetadata(instance, { hasTags: false });
  return JSON.stringify({
    name: service,
    id: child,
    address: instance.address,
    port: instance.port,
    sslPort: null,
    payload:
      payload === 'spring' ? { '@class': springClass, id: instance.id, name: service, metadata } : null,
    registrationTimeUTC: instance.createdAtMs,
    serviceType: 'DYNAMIC',
    uriSpec: { parts: instance.family === 6 ? uriPartsOfIPv6 : uriParts },
    ...(payload === 'none' ? { [ownField]: metadata } : {}),
  });
}

/** `{scheme}://{address}:{port}`, as Spring Cloud writes it: without it, its clients have no URL. */
const [scheme, address, port] = ['scheme', 'address', 'port'].map((value) => ({ value, variable: true }));
const uriParts = [scheme, literal('://'), address, literal(':'), port];
const uriPartsOfIPv6 = [scheme, literal('://['), address, literal(']:'), port];

function literal(value: string) {
  return { value, variable: false };
}

/** Set by Spring Cloud's clients; any other status takes no traffic. */
const statusName = 'instance_status';
const up = 'UP';

function readInstance(text: string, place: Place, registry: string): Instance | undefined {
  const fields = new Fields(JSON.parse(text), '');
  const meta = metadataOf(fields);
  const status = meta[statusName] ?? up;
  if (fields.boolean('enabled') === false || status.toUpperCase() !== up) return undefined;
  return toInstance(
    {
      service: place.service,
      isPlaceOf: (claim) =>
        place.service === outsideName(claim) && place.child === toChild(claim.id, claim.node),
      key: place.child,
      address: fields.string('address') ?? '',
      port: portOf(fields),
      status: 'passing',
      weight: weightIn(meta),
      tags: tagsIn(meta),
      meta,
    },
    registry,
  );
}

function portOf(fields: Fields): number {
  const range = { min: 0, max: 65_535 };
  return fields.integer('port', range) ?? fields.integer('sslPort', range) ?? 0;
}

function metadataOf(fields: Fields): Metadata {
  return { ...parseMetadata(springMetadata(fields.raw('payload'))), ...parseMetadata(fields.raw(ownField)) };
}

function springMetadata(payload: unknown): unknown {
  return typeof payload === 'object' && payload !== null && 'metadata' in payload
    ? payload.metadata
    : undefined;
}
