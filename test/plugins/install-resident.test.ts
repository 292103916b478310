import { existsSync, readdirSync, statSync } from 'node:fs';
import { beforeEach, expect, test } from 'vitest';
import { commandName, installedNames } from '../../lib/install/names.ts';
import { binDir } from '../support/binaries.ts';
import { run } from '../support/process.ts';
import { skipUnless } from '../support/skip.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

beforeEach((context) => {
  skipUnless(context, existsSync(`${binDir}/fairlead-client`), 'the build found no C compiler (cc)');
});

function fairlead(file: string, ...args: readonly string[]) {
  return run({ file, args, timeoutMs: 60_000 });
}

/** Where a client's note that it has found no agent is nobody else's. */
const script = `
mkdir -p /run/fairlead
mount -t tmpfs none /run/fairlead
exec "$0"`;

function ask(dir: string, plugin: string) {
  const args = ['--mount', 'sh', '-ec', script, `${dir}/${plugin}`];
  return run({ file: 'unshare', args, env: { CNI_COMMAND: 'VERSION' } });
}

test('a resident installation answers without an agent, installs itself once more, and is turned back', async () => {
  using cni = temporaryDirectory();
  const sizes = () => new Set(readdirSync(cni.path).map((name) => statSync(`${cni.path}/${name}`).size));
  const own = `${cni.path}/${commandName}`;

  const installed = await fairlead(`${binDir}/fairlead`, 'install', '--resident', '--dir', cni.path);
  const inodes = new Set(installedNames.map((name) => statSync(`${cni.path}/${name}`).ino));
  const [client] = await Promise.all([ask(cni.path, 'bridge'), ask(cni.path, 'host-local')]);
  const again = await fairlead(own, 'install', '--resident', '--dir', cni.path);
  const back = await fairlead(own, 'install', '--dir', cni.path);
  const executable = await ask(cni.path, 'bridge');

  expect([installed.status, inodes.size]).toEqual([0, 2]);
  expect(again.stdout).toMatch(/^bridge +unchanged/m);
  expect(client).toEqual(executable);
  expect(JSON.parse(client.stdout).supportedVersions).toContain('1.1.0');
  expect(back.stdout).toMatch(/^bridge +updated/m);
  expect(sizes().size).toBe(1);
});

test('names that are picked come with the executable that they fall back to, and go with it', async () => {
  using cni = temporaryDirectory();
  const dir = ['--dir', cni.path];

  await fairlead(`${binDir}/fairlead`, 'install', '--resident', '--only', 'bridge', ...dir);
  const names = readdirSync(cni.path);
  await fairlead(`${binDir}/fairlead`, 'uninstall', ...dir);

  expect(names.sort()).toEqual(['bridge', commandName]);
  expect(readdirSync(cni.path)).toEqual([]);
});

test('without a client beside the executable it says how to come by one', async () => {
  using other = temporaryDirectory();
  using cni = temporaryDirectory();
  await fairlead(`${binDir}/fairlead`, 'install', '--dir', other.path);

  const refused = await fairlead(`${other.path}/fairlead`, 'install', '--resident', '--dir', cni.path);

  expect(refused).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/no fairlead-client of this build.*\(cc\)/),
  });
  expect(readdirSync(cni.path)).toEqual([]);
});
