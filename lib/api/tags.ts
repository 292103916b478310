type Tagged = { readonly tags: readonly string[] };

/** Whether all of several tags are there. */
export function hasTags(instance: Tagged, tags: readonly string[]): boolean {
  return tags.every((tag) => instance.tags.includes(tag));
}

/** All tags of several instances, in alphabetical order. */
export function tagsOf(instances: readonly Tagged[]): readonly string[] {
  return [...new Set(instances.flatMap(({ tags }) => tags))].sort();
}
