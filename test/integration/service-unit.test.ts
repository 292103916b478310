import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { binDir } from '../support/binaries.ts';
import { run } from '../support/process.ts';
import { skipUnless } from '../support/skip.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('the records of rules outlast a stop of the agent, and it may put rules back', () => {
  const unit = readFileSync('scripts/fairlead-agent.service', 'utf8');

  expect(unit).toMatch(/^RuntimeDirectory=fairlead$/m);
  expect(unit).toMatch(/^RuntimeDirectoryPreserve=yes$/m);
  expect(unit).toMatch(/^CapabilityBoundingSet=.*\bCAP_NET_ADMIN\b/m);
});

test('where the agent serves calls, it lives in the mount namespace of the host, as callers of plugins do', () => {
  const makesNamespace =
    /^(Private(?:Mounts|Tmp|Devices|IPC)|Protect(?:System|Home|Kernel\w+|ControlGroups|Hostname|Clock)|RestrictNamespaces|\w+Paths)=(?!no$)/gm;
  const read = (file: string) => readFileSync(`scripts/${file}`, 'utf8');
  const set = ['fairlead-agent.service', 'fairlead-agent-overlay.conf'].flatMap((file) =>
    [...read(file).matchAll(makesNamespace)].map(([, directive]) => directive),
  );
  const takenBack = [...read('fairlead-agent-cni.conf').matchAll(/^(\w+)=(?:no)?$/gm)].map(
    ([, name]) => name,
  );

  expect(set).toContain('ProtectSystem');
  expect(set.filter((directive) => !takenBack.includes(directive))).toEqual([]);
});

test('a stop reaches the agent alone, and gives its workers time to finish', () => {
  const unit = readFileSync('scripts/fairlead-agent-cni.conf', 'utf8');

  expect(unit).toMatch(/^KillMode=process$/m);
  expect(Number(/^TimeoutStopSec=(\d+)s$/m.exec(unit)?.[1])).toBeGreaterThan(20);
});

test('systemd has nothing to say against the unit of the agent', async (context) => {
  const known = await run({ file: 'systemd-analyze', args: ['--version'] });
  const version = Number(/^systemd (\d+)/.exec(known.stdout)?.[1] ?? 0);
  skipUnless(
    context,
    version >= 247,
    'there is no systemd-analyze of version 247 or later, which knows ProtectProc',
  );
  using directory = temporaryDirectory();
  const unit = readFileSync('scripts/fairlead-agent.service', 'utf8');
  const path = `${directory.path}/fairlead-agent.service`;
  writeFileSync(path, unit.replace(/^ExecStart=\S+/m, `ExecStart=${binDir}/fairlead`));
  mkdirSync(`${path}.d`);
  copyFileSync('scripts/fairlead-agent-cni.conf', `${path}.d/zz-cni.conf`);

  const { status, stdout, stderr } = await run({ file: 'systemd-analyze', args: ['verify', path] });

  expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' });
});
