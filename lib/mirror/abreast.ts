/**
 * Does the same with each item, so many at once; the results in the items' order. After a failure nothing new is begun,
 * and it is thrown when all that had begun is over.
 */
export async function abreast<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = new Array(items.length);
  // One iterator for all lanes: each takes what the others have not.
  const queue = items.entries();
  const failures: unknown[] = [];
  const lane = async () => {
    for (const [at, item] of queue) {
      if (failures.length > 0) return;
      try {
        results[at] = await work(item);
      } catch (failure) {
        failures.push(failure);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
  if (failures.length > 0) throw failures[0];
  return results;
}
