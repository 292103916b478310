import { readFileSync, writeFileSync } from 'node:fs';
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

  const { status, stdout, stderr } = await run({ file: 'systemd-analyze', args: ['verify', path] });

  expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' });
});
