/**
 * What Node is started with in the executable; none of it can be changed by the environment.
 *
 * `--no-rehash-snapshot`: V8 draws new hashes at every start, and computes those of everything in the snapshot again. They
 * are there against input that is made to collide, of which a call of a plugin is too short; the agent starts itself with
 * hashes of its own (plugins/main.ts). `--no-enable-lazy-source-positions`: or V8 walks over its whole heap at every start,
 * to find functions whose positions it does not know yet. Both together: 37 ms become 28 (an empty call, medians of 30).
 */
export const startFlags = [
  '--no-warnings',
  '--no-rehash-snapshot',
  '--no-enable-lazy-source-positions',
] as const;
