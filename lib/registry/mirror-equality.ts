import type { Instance } from './instance.ts';

/**
 * Whether two records say the same, whatever the order of their fields: what comes back from an outside registry was
 * taken apart and put together again.
 */
export function isSameRecord(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (!isObject(one) || !isObject(other) || Array.isArray(one) !== Array.isArray(other)) return false;
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && isSameRecord(one[key], other[key]))
  );
}

/** Whether those who ask would be told the same; in which revision a machine has written it is its own affair. */
export function isSameInstance(one: Instance, other: Instance): boolean {
  return isSameRecord({ ...one, revision: 0 }, { ...other, revision: 0 });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
