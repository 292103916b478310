import { rmSync, statSync } from 'node:fs';
import { run } from './process.ts';

/** Where our plugins record the rules of a host's attachments: a directory for each network namespace, by its inode. */
const rulesDir = '/run/fairlead/rules';

/** Removes a network namespace, and what our plugins have recorded for it as a host: another one may get its inode. */
export async function endNetns(name: string): Promise<void> {
  const path = `/run/netns/${name}`;
  const inode = statSync(path, { throwIfNoEntry: false })?.ino;
  await run({ file: 'ip', args: ['netns', 'del', name] });
  if (inode !== undefined) rmSync(`${rulesDir}/${inode}`, { recursive: true, force: true });
}
