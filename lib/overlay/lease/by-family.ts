import type { Family } from '../../net/address.ts';

/** Something for each family that there is one of. */
export type ByFamily<T> = Readonly<Partial<Record<Family, T>>>;

/** What `find` finds for each family, without those for which it finds nothing. */
export function byFamily<T>(find: (family: Family) => T | undefined): ByFamily<T> {
  const [v4, v6] = [find(4), find(6)];
  return { ...(v4 === undefined ? {} : { 4: v4 }), ...(v6 === undefined ? {} : { 6: v6 }) };
}
