import { writeFileSync } from 'node:fs';
import { runContainersScript } from './containers-script.ts';

/** A root file system of busybox with one page below /www, for containers that need no image. */
export async function makeRootfs(path: string): Promise<void> {
  const { status, stderr } = await runContainersScript('make_rootfs "$1"; mkdir "$1/www"', [path]);
  if (status !== 0) throw new Error(`the root of the containers was not made: ${stderr}`);
  writeFileSync(`${path}/www/index.html`, 'a container\n');
}
