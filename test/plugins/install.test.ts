import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readBuild, renderEnd } from '../../lib/install/installed-build.ts';
import { installedNames } from '../../lib/install/names.ts';
import { binDir, limitMs, rounds } from '../support/binaries.ts';
import { mountSmallDisk } from '../support/mounts.ts';
import { must, run } from '../support/process.ts';
import { Random } from '../support/random.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const count = rounds({ short: 6, soak: 200 });

/** Runs the built command line. */
function fairlead(args: readonly string[], more: { timeoutMs?: number; file?: string } = {}) {
  const { file = `${binDir}/fairlead`, timeoutMs = 60_000 } = more;
  return run({ file, args, timeoutMs });
}

/** A CNI directory of the test's own, with what is in it. */
function cniDirectory(files: Readonly<Record<string, string>> = {}) {
  const parent = temporaryDirectory();
  const dir = `${parent.path}/bin`;
  mkdirSync(dir);
  for (const [name, text] of Object.entries(files)) writeFileSync(`${dir}/${name}`, text, { mode: 0o755 });
  return { dir, [Symbol.dispose]: () => parent[Symbol.dispose]() };
}

const foreign = { bridge: '#!/bin/sh\n# foreign bridge\n', portmap: '#!/bin/sh\n# foreign portmap\n' };

function smallFiles(dir: string): Readonly<Record<string, string>> {
  const names = readdirSync(dir).filter((name) => statSync(`${dir}/${name}`).size < 1000);
  return Object.fromEntries(names.map((name) => [name, readFileSync(`${dir}/${name}`, 'utf8')]));
}

test('the installed executable plays each part by its name, and takes itself out again', async () => {
  using cni = cniDirectory(foreign);
  const refused = await fairlead(['install', '--dir', cni.dir]);

  const installed = await fairlead(['install', '--dir', cni.dir, '--replace', '--json']);
  const version = await run({ file: `${cni.dir}/bridge`, args: [], env: { CNI_COMMAND: 'VERSION' } });
  const again = await fairlead(['install', '--dir', cni.dir], { file: `${cni.dir}/fairlead` });
  const taken = await fairlead(['uninstall', '--dir', cni.dir, '--json'], { file: `${cni.dir}/fairlead` });

  expect(refused).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/bridge is not ours.*--replace/),
  });
  expect(JSON.parse(installed.stdout)).toMatchObject({
    dir: cni.dir,
    changes: expect.arrayContaining([{ name: 'bridge', did: 'replaced' }]),
  });
  expect(JSON.parse(version.stdout).supportedVersions).toContain('1.1.0');
  expect(again.stdout).toMatch(/portmap +unchanged/);
  expect(taken.status).toBe(0);
  expect(smallFiles(cni.dir)).toEqual(foreign);
  expect(readdirSync(cni.dir).sort()).toEqual(Object.keys(foreign));
});

test('while an update runs, every name is a whole executable of ours, the old or the new', async () => {
  using cni = cniDirectory();
  const old = `program${renderEnd({ id: '0'.repeat(32), version: '0.0.1' })}`;
  for (const name of installedNames) writeFileSync(`${cni.dir}/${name}`, old, { mode: 0o755 });
  const seen = new Set<string | undefined>();
  let isDone = false;

  const updating = fairlead(['install', '--dir', cni.dir]).finally(() => {
    isDone = true;
  });
  while (!isDone) {
    for (const name of installedNames) seen.add(readBuild(`${cni.dir}/${name}`)?.id);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }

  expect((await updating).status).toBe(0);
  expect(seen).toEqual(new Set(['0'.repeat(32), readBuild(`${cni.dir}/bridge`)?.id]));
});

test(
  `kill -9 at a random moment: every name is old or new, and the next call completes it (${count} rounds)`,
  async () => {
    const random = new Random();
    const own = readBuild(`${binDir}/fairlead`)?.id;
    let killed = 0;

    for (let round = 0; round < count; round++) {
      using cni = cniDirectory(foreign);
      // One moment of each part of the time, so that few rounds meet its begin and its end.
      const timeoutMs = 20 + Math.floor(((round % 6) * 500) / 6) + random.below(84);
      const where = `round ${round}: killed after ${timeoutMs} ms (SEED=${random.seed})`;

      const { status } = await fairlead(['install', '--dir', cni.dir, '--replace'], { timeoutMs });
      if (status === 'SIGKILL') killed++;
      for (const [name, text] of Object.entries(foreign)) {
        const isOld = statSync(`${cni.dir}/${name}`).size === text.length;
        if (!isOld) expect(readBuild(`${cni.dir}/${name}`)?.id, where).toBe(own);
      }
      const next = round % 2 === 0 ? await fairlead(['install', '--dir', cni.dir, '--replace']) : undefined;
      const taken = await fairlead(['uninstall', '--dir', cni.dir]);

      expect([next?.status ?? 0, taken.status], where).toEqual([0, 0]);
      expect(readdirSync(cni.dir).sort(), where).toEqual(Object.keys(foreign));
      expect(smallFiles(cni.dir), where).toEqual(foreign);
    }

    expect(killed).toBeGreaterThanOrEqual(count / 6);
  },
  limitMs(count, 5_000),
);

test('three installations at once leave one copy', async () => {
  using cni = cniDirectory();

  const outcomes = await Promise.all([1, 2, 3].map(() => fairlead(['install', '--dir', cni.dir, '--json'])));

  expect(outcomes.map(({ status }) => status)).toEqual([0, 0, 0]);
  expect(new Set(readdirSync(cni.dir).map((name) => statSync(`${cni.dir}/${name}`).ino)).size).toBe(1);
  const did = outcomes.flatMap(({ stdout }) => JSON.parse(stdout).changes[0].did as string);
  expect(did.sort()).toEqual(['installed', 'unchanged', 'unchanged']);
});

test('a file system without room, one that forbids executing, and a read-only one are told before names change', async () => {
  using parent = temporaryDirectory();
  await using small = await mountSmallDisk(`${parent.path}/small`, '1m');
  await using noexec = await mountSmallDisk(`${parent.path}/noexec`, '300m');
  await must('mount', ['-o', 'remount,noexec', noexec.path]);

  const full = await fairlead(['install', '--dir', small.path]);
  const forbidden = await fairlead(['install', '--dir', noexec.path]);
  await small.setReadOnly(true);
  const readOnly = await fairlead(['install', '--dir', small.path, '--json']);

  expect(full).toMatchObject({ status: 1, stderr: expect.stringMatching(/MB free.*needs 1\d\d\.\d MB/) });
  expect(forbidden).toMatchObject({ status: 1, stderr: expect.stringMatching(/mounted noexec/) });
  expect(JSON.parse(readOnly.stdout)).toMatchObject({ code: 5, msg: expect.stringMatching(/remount/) });
  expect([readdirSync(small.path), readdirSync(noexec.path)]).toEqual([[], []]);
});

test.each([
  [['--dir', 'bin'], /expected an absolute path/],
  [['--dir', '/nonexistent/bin'], /mkdir -p \/nonexistent\/bin/],
  [['--dir', '/etc/passwd'], /is no directory/],
  [['--dir', '/tmp', '--only', 'bridge,../x'], /--only: expected names of .*"\.\.\/x"/],
])('install %j is refused', async (args, reason) => {
  expect(await fairlead(['install', ...args])).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(reason),
  });
});

test('a link to the directory is followed once, and the directory itself told', async () => {
  using cni = cniDirectory();
  const link = `${cni.dir}-link`;
  await must('ln', ['-s', cni.dir, link]);

  const { stdout } = await fairlead(['install', '--dir', link, '--only', 'bridge', '--json']);

  expect(JSON.parse(stdout).dir).toBe(cni.dir);
  expect(readdirSync(cni.dir)).toEqual(['bridge']);
  rmSync(link);
  expect(existsSync(`${cni.dir}/bridge`)).toBe(true);
});
