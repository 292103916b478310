import { chmodSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CniDirectory } from './cni-directory.ts';

test('what was replaced comes back as it was, with mode and times, and nothing else is left', () => {
  using cni = new CniDirectory();
  cni.foreign('bridge');
  cni.foreign('macvlan');
  chmodSync(cni.path('bridge'), 0o750);
  utimesSync(cni.path('bridge'), 1_600_000_000, 1_600_000_000);
  const before = cni.content();
  cni.install(cni.executable('1.0.0'), { replace: true });
  expect(cni.content().bridge).toContain('program');

  const { returns } = cni.uninstall();

  expect(cni.content()).toEqual(before);
  const { mode, mtimeMs } = statSync(cni.path('bridge'));
  expect({ mode: mode & 0o7777, mtimeMs }).toEqual({ mode: 0o750, mtimeMs: 1_600_000_000_000 });
  expect(returns.find(({ name }) => name === 'bridge')?.did).toBe('restored');
  expect(returns.find(({ name }) => name === 'portmap')?.did).toBe('removed');
});

test('what was replaced before an update comes back after it, too', () => {
  using cni = new CniDirectory();
  cni.foreign('bridge');
  cni.foreign('portmap');
  const before = cni.content();
  cni.install(cni.executable('1.0.0'), { replace: true, names: ['bridge'] });
  cni.install(cni.executable('1.1.0'), { replace: true });

  cni.uninstall();

  expect(cni.content()).toEqual(before);
});

test('a second time there is nothing to do', () => {
  using cni = new CniDirectory();
  cni.install(cni.executable('1.0.0'));
  cni.uninstall();

  expect(cni.uninstall().returns).toEqual([]);
});

test('a file of somebody else that came later stays, and so does the backup, which is said', () => {
  using cni = new CniDirectory();
  cni.foreign('bridge');
  cni.foreign('portmap');
  cni.install(cni.executable('1.0.0'), { replace: true });
  rmSync(cni.path('bridge'));
  cni.foreign('bridge', 'later');

  const { returns } = cni.uninstall();

  expect(returns.find(({ name }) => name === 'bridge')).toMatchObject({
    did: 'left',
    problem: expect.stringContaining('.fairlead-backup/bridge'),
  });
  expect(cni.content()).toMatchObject({
    bridge: 'later',
    portmap: 'foreign portmap',
    '.fairlead-backup/bridge': 'foreign bridge',
  });
  rmSync(cni.path('bridge'));
  cni.uninstall();
  expect(cni.content()).toEqual({ bridge: 'foreign bridge', portmap: 'foreign portmap' });
});

test('a backup that was changed is not put back; the others are', () => {
  using cni = new CniDirectory();
  cni.foreign('bridge');
  cni.foreign('portmap');
  cni.install(cni.executable('1.0.0'), { replace: true });
  writeFileSync(cni.path('.fairlead-backup/bridge'), 'foreign BRIDGE');

  const { returns } = cni.uninstall();

  expect(returns.find(({ name }) => name === 'bridge')?.problem).toMatch(/is not what was kept/);
  expect(cni.content().bridge).toContain('program');
  expect(cni.content().portmap).toBe('foreign portmap');
});

test('a manifest that was made up cannot reach outside the directory', () => {
  using cni = new CniDirectory();
  cni.foreign('bridge');
  cni.install(cni.executable('1.0.0'), { replace: true });
  const backups = [{ name: '../../x', kind: 'symlink', target: '/' }];
  writeFileSync(cni.path('.fairlead-backup/manifest.json'), JSON.stringify({ version: 1, backups }));

  expect(() => cni.uninstall()).toThrow(/manifest\.json.*name: expected a plugin's name/);
});

test('a name of another build is put back, too', () => {
  using cni = new CniDirectory();
  cni.foreign('later-plugin');
  cni.install(cni.executable('1.0.0'), { replace: true, names: ['later-plugin'] });

  cni.uninstall();

  expect(cni.content()).toEqual({ 'later-plugin': 'foreign later-plugin' });
});
