import type { Instance } from '../../registry/instance.ts';
import { defaultWeight, highestWeight } from '../../registry/instance.ts';
import { ownMeta, tagsMarking, toMarkings, weightMarking } from '../markings.ts';

/** Pairs of text, the only kind of metadata that readers of this registry expect. */
export type Metadata = Readonly<Record<string, string>>;

/** What an instance has beside its address: its own metadata, and what the layout has no field for. */
export function toMetadata(instance: Instance, { hasTags }: { readonly hasTags: boolean }): Metadata {
  const { tags, weight } = instance;
  return {
    ...ownMeta(instance),
    ...toMarkings(instance),
    ...(hasTags || tags.length === 0 ? {} : { [tagsMarking]: JSON.stringify(tags) }),
    ...(weight === defaultWeight ? {} : { [weightMarking]: String(weight) }),
  };
}

/** Of what may be anything, the pairs of text. */
export function parseMetadata(value: unknown): Metadata {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  );
}

/** @throws SyntaxError for what is no JSON */
export function tagsIn(metadata: Metadata): readonly string[] {
  const text = metadata[tagsMarking];
  const tags: unknown = text === undefined ? [] : JSON.parse(text);
  return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [];
}

export function weightIn(metadata: Metadata): number {
  const weight = Number(metadata[weightMarking] ?? defaultWeight);
  return Number.isInteger(weight) && weight >= 0 && weight <= highestWeight ? weight : defaultWeight;
}
