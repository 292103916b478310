import type { Family } from '../net/address.ts';

/**
 * The maps and sets of host ports in a family. Keyed so that nothing grows with the number of containers but they; the key
 * of a host port is in one of `led` and `ledAt`, so that the kernel itself refuses whoever comes second.
 */
export function namesOf(family: Family) {
  const name = `portmap${family}`;
  return {
    /** Protocol and port → the container's address and port. */
    led: name,
    /** The same for one address of the host. */
    ledAt: `${name}_at`,
    /** Protocol and port → the chain with the conditions of whose port it is. */
    conditional: `${name}_if`,
    conditionalAt: `${name}_if_at`,
    /** Containers that see an address of the host as the source of all. */
    changed: `${name}_all`,
    /** Pairs of the same container, which does not see itself as the source of what it sends to itself. */
    self: `${name}_self`,
    /** Containers that see every source as it is. */
    unchanged: `${name}_plain`,
  } as const;
}

/** Pairs of the same interface: by which containers are reached, and by which what they send comes in. */
export const nearSet = 'portmap_near';

/** Bridges on which the host's loopback addresses are routed. */
export const localnetSet = 'portmap_localnet';
