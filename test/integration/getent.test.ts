import { expect, test } from 'vitest';
import { createExecaRunner } from '../../lib/exec/execa-runner.ts';

test('glibc in a container resolves names of the registry, and foreign ones through the agent by dnsmasq', async () => {
  const run = createExecaRunner(process.env.PATH);
  const outcome = await run({
    file: 'bash',
    args: ['test/integration/getent.sh'],
    env: { ...process.env },
    timeoutMs: 150_000,
  });
  expect({ status: outcome.status, output: outcome.stdout + outcome.stderr }).toEqual({
    status: 0,
    output: expect.stringContaining('ok: the agent has ended well'),
  });
}, 180_000);
