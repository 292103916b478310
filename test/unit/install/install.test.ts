import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { expect, test } from 'vitest';
import { withFlock } from '../../../lib/files/flock.ts';
import { installedNames } from '../../../lib/install/names.ts';
import { CniDirectory, idOf } from './cni-directory.ts';

test('every name is a link to one executable copy', () => {
  using cni = new CniDirectory();

  const { changes } = cni.install(cni.executable('1.0.0'));

  expect(Object.keys(cni.content()).sort()).toEqual([...installedNames].sort());
  expect(cni.copies()).toBe(1);
  expect(statSync(cni.path('bridge')).mode & 0o7777).toBe(0o755);
  expect(new Set(changes.map(({ did }) => did))).toEqual(new Set(['installed']));
});

test('a second installation of the same build changes nothing', () => {
  using cni = new CniDirectory();
  const executable = cni.executable('1.0.0');
  cni.install(executable);
  const { ino } = statSync(cni.path('bridge'));

  const { changes, steps } = cni.install(executable);

  expect(steps).toEqual([]);
  expect(changes.every(({ did }) => did === 'unchanged')).toBe(true);
  expect(statSync(cni.path('bridge')).ino).toBe(ino);
});

test('the installed executable can install what is missing, without a second copy', () => {
  using cni = new CniDirectory();
  cni.install(cni.executable('1.0.0'));
  rmSync(cni.path('portmap'));

  const { steps } = cni.install(cni.path('fairlead'));

  expect(steps.some((step) => step.do === 'copy')).toBe(false);
  expect(cni.copies()).toBe(1);
  expect(cni.content().portmap).toBe(cni.content().fairlead);
});

test('copies that are no links become links', () => {
  using cni = new CniDirectory();
  const executable = cni.executable('1.0.0');
  for (const name of installedNames) copyFileSync(executable, cni.path(name));

  cni.install(executable);

  expect(cni.copies()).toBe(1);
});

test('a damaged file that ends as the build does is replaced', () => {
  using cni = new CniDirectory();
  const executable = cni.executable('1.0.0');
  cni.executable('1.0.0', 'damaged 1.0.0 ');
  copyFileSync(executable, cni.path('bridge'));
  cni.executable('1.0.0');

  cni.install(executable);

  expect(cni.content().bridge).toContain('program');
});

test('a later build takes the place of an earlier one, and both are told', () => {
  using cni = new CniDirectory();
  cni.install(cni.executable('1.0.0'));

  const { changes, build } = cni.install(cni.executable('1.1.0'));

  expect(build).toEqual({ id: idOf('1.1.0'), version: '1.1.0' });
  expect(changes[0]).toMatchObject({ did: 'updated', before: { id: idOf('1.0.0'), version: '1.0.0' } });
  expect(cni.content().bridge).toContain('program 1.1.0');
});

test('an earlier version is refused over a later one unless it is forced', () => {
  using cni = new CniDirectory();
  cni.install(cni.executable('1.10.0'));
  const earlier = cni.executable('1.9.0');

  expect(() => cni.install(earlier)).toThrow(/1\.10\.0 .* later than this 1\.9\.0 .*--force/);
  expect(cni.content().bridge).toContain('program 1.10.0');

  cni.install(earlier, { force: true });
  expect(cni.content().bridge).toContain('program 1.9.0');
});

test('a file of somebody else is refused, each named, before anything is changed', () => {
  using cni = new CniDirectory();
  cni.foreign('bridge');
  cni.foreign('portmap');
  const before = cni.content();

  expect(() => cni.install(cni.executable('1.0.0'))).toThrow(
    expect.objectContaining({
      message: expect.stringMatching(/bin\/bridge is not ours: --replace/),
      details: expect.stringContaining('bin/portmap'),
    }),
  );
  expect(cni.content()).toEqual(before);
});

test('names can be picked, so that files of others stay', () => {
  using cni = new CniDirectory();
  cni.foreign('portmap');

  cni.install(cni.executable('1.0.0'), { names: ['bridge', 'host-local'] });

  expect(Object.keys(cni.content())).toEqual(['bridge', 'host-local', 'portmap']);
  expect(cni.content().portmap).toBe('foreign portmap');
});

test('a symbolic link is a file of somebody else, and nothing is written where it leads', () => {
  using cni = new CniDirectory();
  const outside = cni.executable('0.9.0');
  const { ino } = statSync(outside);
  symlinkSync(outside, cni.path('bridge'));

  expect(() => cni.install(cni.executable('1.0.0'))).toThrow(/bridge is a link to/);
  cni.install(cni.executable('1.0.0'), { replace: true });

  expect(statSync(outside)).toMatchObject({ ino, nlink: 1 });
  expect(cni.content().bridge).toContain('program 1.0.0');
  cni.uninstall();
  expect(cni.content()).toEqual({ bridge: `-> ${outside}` });
});

test('a directory in place of a name is refused, whatever may be replaced', () => {
  using cni = new CniDirectory();
  mkdirSync(cni.path('bridge'));

  expect(() => cni.install(cni.executable('1.0.0'), { replace: true })).toThrow(/bridge is no file/);
});

test('a link in place of the backups is refused', () => {
  using cni = new CniDirectory();
  cni.foreign('bridge');
  symlinkSync('/nowhere', cni.path('.fairlead-backup'));

  expect(() => cni.install(cni.executable('1.0.0'), { replace: true })).toThrow(/backup is no directory/);
});

test('a second foreign file under a name that has a backup is refused: one backup would be lost', () => {
  using cni = new CniDirectory();
  cni.foreign('bridge');
  cni.install(cni.executable('1.0.0'), { replace: true });
  rmSync(cni.path('bridge'));
  cni.foreign('bridge', 'another');

  expect(() => cni.install(cni.executable('1.0.0'), { replace: true })).toThrow(/another backup of it/);
});

test('only an executable that was built can be installed', () => {
  using cni = new CniDirectory();
  const cut = `${cni.executable('1.0.0')}-cut`;
  writeFileSync(cut, 'program 1.0.0 fairlead-build:00');

  expect(() => cni.install(cut)).toThrow(/is no built executable/);
});

test('a dry run tells the steps and takes none', () => {
  using cni = new CniDirectory();
  cni.foreign('bridge');
  const before = cni.content();

  const { steps, changes } = cni.install(cni.executable('1.0.0'), { replace: true, isDryRun: true });

  expect(steps.map((step) => step.do)).toContain('copy');
  expect(changes.find(({ name }) => name === 'bridge')?.did).toBe('replaced');
  expect(cni.content()).toEqual(before);
});

test('an installation waits for another one in the same directory, and says so at last', () => {
  using cni = new CniDirectory();
  const executable = cni.executable('1.0.0');
  const wait = { sleep: () => undefined, patienceMs: 100 };

  withFlock(cni.dir, wait, () => {
    expect(() => cni.install(executable)).toThrow(/could not be locked/);
  });

  expect(cni.install(executable).changes[0]?.did).toBe('installed');
});

test('a step that fails is told, and the names stay as they were', () => {
  using cni = new CniDirectory();
  const executable = cni.executable('1.0.0');
  cni.foreign('bridge');
  appendFileSync(cni.path('bridge'), '!');
  mkdirSync(cni.path('.fairlead-new-portmap'));

  expect(() => cni.install(executable, { replace: true })).toThrow(/remove .*portmap/);

  rmSync(cni.path('.fairlead-new-portmap'), { recursive: true });
  expect(cni.content()).toEqual({ bridge: 'foreign bridge!' });
});
