import { rmSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { installedNames } from '../../../lib/install/names.ts';
import { carryOut, type Step } from '../../../lib/install/step.ts';
import { CniDirectory } from './cni-directory.ts';

/** A directory with an earlier build of ours, and two files of others. */
function prepare(): CniDirectory {
  const cni = new CniDirectory();
  cni.install(cni.executable('1.0.0'));
  for (const name of ['bridge', 'portmap']) {
    rmSync(cni.path(name));
    cni.foreign(name);
  }
  return cni;
}

const before = (() => {
  using cni = prepare();
  return cni.content();
})();

/** The steps of a dry run of what is to be interrupted, to be carried out only in part. */
function stepsOf(what: 'install' | 'uninstall'): number {
  using cni = prepare();
  if (what === 'uninstall') cni.install(cni.executable('1.1.0'), { replace: true });
  return toSteps(what, cni).length;
}

function toSteps(what: 'install' | 'uninstall', cni: CniDirectory): readonly Step[] {
  return what === 'install'
    ? cni.install(cni.executable('1.1.0'), { replace: true, isDryRun: true }).steps
    : cni.uninstall(true).steps;
}

const points = (what: 'install' | 'uninstall') => Array.from({ length: stepsOf(what) }, (_, done) => done);

describe('an installation that ends', () => {
  test.each(points('install'))('after %i steps has old or new names, and the next completes it', (done) => {
    using cni = prepare();
    for (const step of toSteps('install', cni).slice(0, done)) carryOut(step);

    const half = cni.content();
    const executable = cni.executable('1.1.0');
    cni.install(executable, { replace: true });

    for (const name of installedNames) expect([before[name], cni.content()[name]]).toContain(half[name]);
    expect(cni.copies()).toBe(1);
    expect(cni.content().bridge).toContain('program 1.1.0');
    expect(Object.keys(cni.content()).filter((name) => name.startsWith('.fairlead-new'))).toEqual([]);
    cni.uninstall();
    expect(cni.content()).toEqual({ bridge: 'foreign bridge', portmap: 'foreign portmap' });
  });

  test.each(points('install'))('after %i steps can be taken back', (done) => {
    using cni = prepare();
    for (const step of toSteps('install', cni).slice(0, done)) carryOut(step);

    cni.uninstall();

    expect(cni.content()).toEqual({ bridge: 'foreign bridge', portmap: 'foreign portmap' });
  });

  test('within the copy leaves nothing that the next stumbles over', () => {
    using cni = prepare();
    writeFileSync(cni.path('.fairlead-new'), 'half a copy');

    cni.install(cni.executable('1.1.0'), { replace: true });

    expect(cni.copies()).toBe(1);
    expect(cni.content()['.fairlead-new']).toBeUndefined();
  });
});

describe('an uninstallation that ends', () => {
  test.each(points('uninstall'))('after %i steps is completed by the next', (done) => {
    using cni = prepare();
    cni.install(cni.executable('1.1.0'), { replace: true });
    for (const step of toSteps('uninstall', cni).slice(0, done)) carryOut(step);

    cni.uninstall();

    expect(cni.content()).toEqual({ bridge: 'foreign bridge', portmap: 'foreign portmap' });
  });
});
