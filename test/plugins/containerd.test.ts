import { expect, test } from 'vitest';
import { createExecaRunner } from '../../lib/exec/execa-runner.ts';

test('containerd runs a common conflist with our bridge and the reference’s portmap, firewall and tuning', async () => {
  const run = createExecaRunner(process.env.PATH);
  const outcome = await run({
    file: 'bash',
    args: ['test/plugins/containerd.sh'],
    env: { ...process.env },
    timeoutMs: 150_000,
  });
  expect({ status: outcome.status, output: outcome.stdout + outcome.stderr }).toEqual({
    status: 0,
    output: expect.stringContaining('ok: no lease is left'),
  });
}, 180_000);
