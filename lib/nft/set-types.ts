import type { AddSet, NftElement, NftTable } from './operation.ts';

/** What the keys of a set are made of, and the values of a map. */
export type SetTypes = Pick<AddSet, 'types' | 'values'>;

/** Tells the types of the set that an element is of; undefined for a set of which nothing is known. */
export type FindSetTypes = (element: Pick<NftElement, 'table' | 'set'>) => SetTypes | undefined;

/** The types of sets, from what declares them. */
export function findIn(sets: readonly AddSet[]): FindSetTypes {
  const known = new Map(sets.map((each) => [nameSet(each.table, each.set), each]));
  return ({ table, set }) => known.get(nameSet(table, set));
}

function nameSet({ family, name }: NftTable, set: string): string {
  return `${family} ${name} ${set}`;
}
