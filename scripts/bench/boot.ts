import { readFileSync } from 'node:fs';

/** The id of the machine's boot, in which a registry is opened. */
export function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
