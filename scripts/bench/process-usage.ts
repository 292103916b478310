import { readFileSync } from 'node:fs';
import { ifExists } from '../../lib/errors/system-error.ts';

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
  const [userMs = 0, systemMs = 0] = readTimesMs(pid);
  return userMs + systemMs;
}

/** The same of all that it has started and waited for, and of what these have (proc(5), fields 16 and 17). */
export function readEndedProcessorMs(pid: number): number {
  const [, , userMs = 0, systemMs = 0] = readTimesMs(pid);
  return userMs + systemMs;
}

/** The same of a process and of all that it has started, ended or not. */
export function readTreeProcessorMs(pid: number): number {
  const children = ifExists(() => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')) ?? '';
  const all = children.split(' ').filter((child) => child !== '');
  const ownMs = readTimesMs(pid).reduce((sum, ms) => sum + ms, 0);
  return all.reduce((sum, child) => sum + readTreeProcessorMs(Number(child)), ownMs);
}

/** Of the process and of what it has waited for, in user space and in the kernel. */
function readTimesMs(pid: number): readonly number[] {
  // Its end is not the bench's business.
  const stat = ifExists(() => readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? '';
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).map((ticks) => Number(ticks) * tickMs);
}
