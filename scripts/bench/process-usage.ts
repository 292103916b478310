import { readFileSync } from 'node:fs';

/** Octets in memory, in millions. */
export type Memory = { readonly residentMb: number; readonly peakMb: number };

/** What a process has in memory now, and the most that it ever had. */
export function readMemory(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const megabytes = (name: string) => {
    const kibibytes = Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
    return (kibibytes * 1_024) / 1_000_000;
  };
  return { residentMb: megabytes('VmRSS'), peakMb: megabytes('VmHWM') };
}

/** Linux tells user space of processor time in hundredths of a second, on every machine. */
const tickMs = 10;

/** The processor time that a process has used so far, with what the kernel has done for it (proc(5), fields 14 and 15). */
export function readProcessorMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}
