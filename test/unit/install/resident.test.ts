import { copyFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { clientName, findClient } from '../../../lib/install/client.ts';
import { commandName, installedNames, pluginNames } from '../../../lib/install/names.ts';
import { carryOut } from '../../../lib/install/step.ts';
import { CniDirectory } from './cni-directory.ts';

/** Which version each name is of, and whether it is the client: "client 1.0.0". */
function names(cni: CniDirectory): Readonly<Record<string, string>> {
  const content = Object.entries(cni.content());
  return Object.fromEntries(content.map(([name, text]) => [name, text.split(' ').slice(0, 2).join(' ')]));
}

function installResident(cni: CniDirectory, version: string, isDryRun = false) {
  return cni.install(cni.executable(version), { client: cni.client(version), isDryRun });
}

test('the plugins’ names become one client, and the command stays the executable', () => {
  using cni = new CniDirectory();

  installResident(cni, '1.0.0');

  const clients = Object.fromEntries(pluginNames.map((name) => [name, 'client 1.0.0']));
  expect(names(cni)).toEqual({ ...clients, [commandName]: 'program 1.0.0' });
  expect(cni.copies()).toBe(2);
  expect(installResident(cni, '1.0.0').steps).toEqual([]);
});

test('an installation without the client turns it back, and uninstalling leaves nothing', () => {
  using cni = new CniDirectory();
  installResident(cni, '1.0.0');

  const { steps } = cni.install(cni.path(commandName));

  expect(steps.filter((step) => step.do === 'copy')).toEqual([]);
  expect(cni.copies()).toBe(1);
  installResident(cni, '1.0.0');
  cni.uninstall();
  expect(cni.content()).toEqual({});
});

test.each([
  ['the executables', false],
  ['clients', true],
])(
  'wherever an update from %s to clients ends, no client is later than its executable',
  (_what, wasResident) => {
    const prepare = () => {
      const cni = new CniDirectory();
      cni.install(cni.executable('1.0.0'), wasResident ? { client: cni.client('1.0.0') } : {});
      return cni;
    };
    using measured = prepare();
    const { length } = installResident(measured, '1.1.0', true).steps;
    expect(length).toBeGreaterThan(2 * installedNames.length);

    for (let done = 0; done <= length; done++) {
      using cni = prepare();
      for (const step of installResident(cni, '1.1.0', true).steps.slice(0, done)) carryOut(step);
      const half = names(cni);
      const others = pluginNames.map((name) => half[name]);
      if (half[commandName] === 'program 1.0.0') expect(others).not.toContain('client 1.1.0');

      installResident(cni, '1.1.0');
      expect(Object.keys(names(cni)).sort()).toEqual([...installedNames].sort());
      expect([cni.copies(), names(cni).bridge]).toEqual([2, 'client 1.1.0']);
    }
  },
);

test('while clients are taken out, the executable that they fall back to goes last', () => {
  using cni = new CniDirectory();
  installResident(cni, '1.0.0');

  for (const step of cni.uninstall(true).steps) {
    carryOut(step);
    const left = Object.keys(cni.content());
    if (left.length > 0) expect(left).toContain(commandName);
  }
});

test('the client is found beside the executable, by its own name or a plugin’s, and only of the same build', () => {
  using cni = new CniDirectory();
  const executable = cni.executable('1.0.0');
  const dir = dirname(executable);
  copyFileSync(cni.client('0.9.0'), `${dir}/${clientName}`);

  expect(() => findClient(executable, dir)).toThrow(/no fairlead-client of this build: .*C compiler/);
  copyFileSync(cni.client('1.0.0'), `${dir}/${clientName}`);
  expect(findClient(executable, dir)).toBe(`${dir}/${clientName}`);
  installResident(cni, '1.0.0');
  expect(findClient(cni.path(commandName), cni.dir)).toBe(cni.path('bandwidth'));
});
