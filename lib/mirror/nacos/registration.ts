import type { Instance } from '../../registry/instance.ts';
import { statusMarking } from '../markings.ts';
import type { Entry } from '../mirror.ts';
import type { NacosConfig } from './config.ts';
import type { Host } from './host.ts';
import { highestNacosWeight, type Metadata, toMetadata } from './metadata.ts';
import { groupedService, toKey } from './place.ts';

/** What is said of an instance, beside where it is. */
export type Registration = {
  /** One that is not is in no answer. */
  readonly enabled: boolean;
  readonly weight: number;
  readonly metadata: Metadata;
};

export type RenderOptions = Pick<NacosConfig, 'group' | 'cluster' | 'ttlMs'> & { readonly node: string };

/** What an instance is in Nacos. Pure. */
export function renderRegistration(instance: Instance, options: RenderOptions): Entry {
  const place = {
    ...groupedService(instance, options),
    ip: instance.address,
    port: instance.port,
    cluster: options.cluster,
  };
  const registration = {
    enabled: instance.status === 'passing',
    weight: Math.min(instance.weight, highestNacosWeight),
    metadata: toMetadata(instance, options),
  };
  return { key: toKey(place), content: toText(registration) };
}

/**
 * What the registry has, as `renderRegistration` writes it. A healthy instance that an operator has taken out of the
 * answers is the operator's affair, and no change of ours; one that is ill must not be in them, whoever has put it there.
 */
export function toContent({ enabled, weight, metadata }: Host): string {
  return toText({ enabled: enabled || metadata[statusMarking] === undefined, weight, metadata });
}

/** The content of an entry of ours. */
export function parseContent(content: string): Registration {
  return JSON.parse(content) as Registration;
}

/** The registry's order is that of a hash table. */
function toText({ enabled, weight, metadata }: Registration): string {
  const pairs = Object.entries(metadata).sort(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify({ enabled, weight, metadata: Object.fromEntries(pairs) });
}
