import type { Family } from '../../net/address.ts';

/** The static protocol of this host's blocks. */
export function blocksProtocol(family: Family): string {
  return `blocks${family}`;
}

/** The protocol that reads the kernel's routes, and writes them. */
export function kernelProtocol(family: Family): string {
  return `kernel${family}`;
}
