import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { run } from './process.ts';

const root = resolve(import.meta.dirname, '../..');

/** A root file system of busybox with one page below /www, for containers that need no image. */
export async function makeRootfs(path: string): Promise<void> {
  const script = '. scripts/setup.sh; . scripts/containers.sh; make_rootfs "$1"; mkdir "$1/www"';
  const { status, stderr } = await run({
    file: 'bash',
    args: ['-euo', 'pipefail', '-c', `cd ${root}; ${script}`, 'bash', path],
  });
  if (status !== 0) throw new Error(`the root of the containers was not made: ${stderr}`);
  writeFileSync(`${path}/www/index.html`, 'a container\n');
}
