import { rmSync, statSync } from 'node:fs';
import { recordsDirectory } from '../../lib/rules/records.ts';
import { run } from './process.ts';

/**
 * Removes a network namespace with what is still at work in it (the monitors of an agent that was killed), and what our
 * plugins have recorded for it as a host: another one may get its inode.
 */
export async function endNetns(name: string): Promise<void> {
  const inode = statSync(`/run/netns/${name}`, { throwIfNoEntry: false })?.ino;
  const { stdout } = await run({ file: 'ip', args: ['netns', 'pids', name] });
  for (const pid of stdout.split(/\s+/).filter((text) => text !== '')) endProcess(Number(pid));
  await run({ file: 'ip', args: ['netns', 'del', name] });
  if (inode !== undefined) rmSync(`${recordsDirectory}/${inode}`, { recursive: true, force: true });
}

function endProcess(pid: number): void {
  try {
    if (pid !== process.pid) process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
