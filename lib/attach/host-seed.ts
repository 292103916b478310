import type { Machine } from '../exec/machine.ts';

/**
 * A text that tells this host, in this boot, from every other: the boot id and the inode of the host's own network
 * namespace (two "hosts" may share a kernel). MACs are derived from it.
 */
export function hostSeed({ readProc, identifyOwnNetns }: Machine): string {
  const bootId = readProc('/proc/sys/kernel/random/boot_id') ?? 'unknown';
  return `${bootId}/${identifyOwnNetns().inode}`;
}
