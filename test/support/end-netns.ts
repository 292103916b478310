import { rmSync, statSync } from 'node:fs';
import { recordsDirectory } from '../../lib/rules/records.ts';
import { run } from './process.ts';

/** Removes a network namespace, and what our plugins have recorded for it as a host: another one may get its inode. */
export async function endNetns(name: string): Promise<void> {
  const path = `/run/netns/${name}`;
  const inode = statSync(path, { throwIfNoEntry: false })?.ino;
  await run({ file: 'ip', args: ['netns', 'del', name] });
  if (inode !== undefined) rmSync(`${recordsDirectory}/${inode}`, { recursive: true, force: true });
}
