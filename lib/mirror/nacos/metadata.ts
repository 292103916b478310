import type { Instance } from '../../registry/instance.ts';
import { nodeMarking, ownMeta, statusMarking, tagsMarking, toMarkings, weightMarking } from '../markings.ts';

/** Whose entries are written, and how long they live without a heartbeat. */
export type Registrant = { readonly node: string; readonly ttlMs: number };

export type Metadata = Readonly<Record<string, string>>;

/** Names that Nacos itself has a meaning for. */
const preservedPrefix = 'preserved.';

/** Characters of all names and values together that Nacos 2.2 and later take. */
const mostCharacters = 1024;

/** Left out where there is no room, the last ones first. What belongs together is taken or left together. */
const lessNeeded: readonly (readonly string[])[] = [
  ['fairlead-network', 'fairlead-container', 'fairlead-host', 'fairlead-interface'],
  ['fairlead-port-name'],
  [weightMarking],
  [tagsMarking],
  ['fairlead-name'],
  ['fairlead-created'],
  ['fairlead-endpoint'],
];

/** An instance's metadata in Nacos, as far as there is room: markings first, then its own. Pure. */
export function toMetadata(instance: Instance, registrant: Registrant): Metadata {
  const all = { ...toMarkings(instance), ...toFields(instance), [nodeMarking]: registrant.node };
  const optional = new Set(lessNeeded.flat());
  const needed = Object.entries(all).filter(([name]) => !optional.has(name));
  const room = new Room([...needed, ...toPreserved(registrant)]);
  for (const names of lessNeeded) room.add(Object.entries(all).filter(([name]) => names.includes(name)));
  for (const pair of Object.entries(withoutPreserved(ownMeta(instance)))) room.add([pair]);
  return room.metadata;
}

/** What others may say of themselves, without what speaks to the server. */
export function withoutPreserved(metadata: Metadata): Metadata {
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => !name.startsWith(preservedPrefix)));
}

function toFields({ status, tags, weight }: Instance): Metadata {
  return {
    ...(status === 'passing' ? {} : { [statusMarking]: status }),
    ...(tags.length === 0 ? {} : { [tagsMarking]: JSON.stringify(tags) }),
    ...(weight <= highestNacosWeight ? {} : { [weightMarking]: String(weight) }),
  };
}

/** Nacos refuses a greater one. */
export const highestNacosWeight = 10_000;

/** The server looks every 5 s who has been silent for too long: a little less than the time to live keeps within that. */
const silentPart = 0.9;

function toPreserved({ ttlMs }: Registrant): readonly Pair[] {
  return [
    ['preserved.heart.beat.interval', String(Math.round(ttlMs / 3))],
    ['preserved.heart.beat.timeout', String(Math.round(ttlMs * silentPart))],
    ['preserved.ip.delete.timeout', String(2 * ttlMs)],
  ];
}

type Pair = readonly [name: string, value: string];

class Room {
  readonly #pairs: Pair[];
  #left: number;

  constructor(pairs: readonly Pair[]) {
    this.#pairs = [...pairs];
    this.#left = mostCharacters - charactersOf(pairs);
  }

  get metadata(): Metadata {
    return Object.fromEntries(this.#pairs);
  }

  /** All of these, or none. */
  add(pairs: readonly Pair[]): void {
    const characters = charactersOf(pairs);
    if (characters > this.#left) return;
    this.#pairs.push(...pairs);
    this.#left -= characters;
  }
}

function charactersOf(pairs: readonly Pair[]): number {
  return pairs.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
}
