import { Fields } from '../../cni/fields.ts';
import type { Instance } from '../../registry/instance.ts';
import { ownerOf, toInstance } from '../markings.ts';
import { parsedOrUndefined } from '../parsed.ts';
import { outsideName } from '../service-name.ts';
import type { Layout, Place } from './layout.ts';
import { parseMetadata, toMetadata, weightIn } from './metadata.ts';

/** registrator's layout: named by address and port, so whose an entry is stands in its `Attrs` alone. */
export const registratorLayout: Layout = {
  childOf: ({ address, port }) => `${address}:${port}`,
  write: writeInstance,
  read: (text, place, registry) => parsedOrUndefined(() => readInstance(text, place, registry)),
  isOwnName: () => 'unknown',
  writerOf: (text) => parsedOrUndefined(() => ownerOf(parseMetadata(parse(text).raw('Attrs')))),
};

function writeInstance(instance: Instance, { service }: Place): string {
  const { address, port, owner, tags } = instance;
  return JSON.stringify({
    Name: service,
    IP: address,
    PublicPort: port,
    PrivatePort: port,
    // registrator writes the container's host name here.
    ContainerID: owner.kind === 'container' ? owner.host : '',
    Tags: tags,
    Attrs: toMetadata(instance, { hasTags: true }),
  });
}

function readInstance(text: string, { service, child }: Place, registry: string): Instance {
  const fields = parse(text);
  const meta = parseMetadata(fields.raw('Attrs'));
  return toInstance(
    {
      service,
      // Entries are named by their address: the service is all that a place tells.
      isPlaceOf: (claim) => service === outsideName(claim),
      key: child,
      address: fields.string('IP') ?? '',
      port: fields.integer('PublicPort', { min: 0, max: 65_535 }) ?? 0,
      status: 'passing',
      weight: weightIn(meta),
      tags: fields.strings('Tags') ?? [],
      meta,
    },
    registry,
  );
}

function parse(text: string): Fields {
  return new Fields(JSON.parse(text), '');
}
