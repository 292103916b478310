import type { Instance } from '../../registry/instance.ts';
import { type Markings, ownMeta, toMarkings, weightMarking } from '../markings.ts';

/** What Consul takes: pairs, characters of a key, bytes of a value. */
const mostPairs = 64;
const keyPattern = /^[A-Za-z0-9_-]{1,128}$/;
const longestValue = 512;

/** Markings that say nothing without the others. */
const together = ['network', 'container', 'host', 'interface'].map((name) => `fairlead-${name}`);

/**
 * An instance's metadata there: the markings, and as much of its own as fits, in the order of the keys. What Consul would
 * refuse the whole service for is left out.
 */
export function toConsulMeta(instance: Instance): Markings {
  // Consul has no weight of 0.
  const weight: Markings = instance.weight === 0 ? { [weightMarking]: '0' } : {};
  const markings = Object.entries(withoutHalves({ ...toMarkings(instance), ...weight })).filter(fits);
  const own = Object.entries(ownMeta(instance)).filter(fits).toSorted(byKey);
  return toSorted([...markings, ...own].slice(0, mostPairs));
}

/** Pairs in the order of their keys, so that the same ones are the same text. */
export function toSorted(pairs: readonly (readonly [string, string])[]): Markings {
  return Object.fromEntries(pairs.toSorted(byKey));
}

function withoutHalves(markings: Markings): Markings {
  const areWhole = together.every((name) => fits([name, markings[name] ?? '']));
  if (areWhole) return markings;
  return Object.fromEntries(Object.entries(markings).filter(([name]) => !together.includes(name)));
}

function fits([key, value]: readonly [string, string]): boolean {
  return keyPattern.test(key) && Buffer.byteLength(value) <= longestValue;
}

function byKey([one]: readonly [string, string], [other]: readonly [string, string]): number {
  return one < other ? -1 : 1;
}
