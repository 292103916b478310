import type { Machine } from './machine.ts';

/** Seconds since the boot, with those that the machine was suspended; undefined where /proc does not tell. */
export function readUptimeSeconds({ readProc }: Pick<Machine, 'readProc'>): number | undefined {
  const seconds = Number.parseFloat(readProc('/proc/uptime') ?? '');
  return Number.isNaN(seconds) ? undefined : seconds;
}
