import { describe, expect, test } from 'vitest';
import type { Command, Outcome } from '../../lib/exec/command.ts';
import { createExecaRunner } from '../../lib/exec/execa-runner.ts';
import { createSpawnSyncRunner } from '../../lib/exec/spawn-runner.ts';

// Two ways to start a process, one contract: the ADD path's spawnSync, and execa for what lives long.

const runners: Record<string, (path?: string) => (command: Command) => Outcome | Promise<Outcome>> = {
  spawnSync: createSpawnSyncRunner,
  execa: (path) => createExecaRunner(path),
};

const sh = (script: string, more: Partial<Command> = {}): Command => ({
  file: 'sh',
  args: ['-c', script],
  ...more,
});

describe.each(Object.entries(runners))('%s', (_, create) => {
  const run = create('/usr/bin:/bin');

  test('gives exit status, stdout and stderr', async () => {
    expect(await run(sh('echo out; echo err >&2; exit 3'))).toEqual({
      status: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  test('hands stdin over, and an empty one where none is given', async () => {
    const long = 'x'.repeat(300_000);
    expect(await run({ file: 'cat', args: [], stdin: long })).toMatchObject({ status: 0, stdout: long });
    expect(await run({ file: 'cat', args: [] })).toMatchObject({ status: 0, stdout: '' });
  });

  test('passes arguments as they are: no shell sees them', async () => {
    const args = ['$HOME', '; exit 9', '*', ''];
    expect(await run({ file: 'printf', args: ['%s|', ...args] })).toMatchObject({
      stdout: '$HOME|; exit 9|*||',
    });
  });

  test('gives a minimal environment unless one is given', async () => {
    process.env.FAIRLEAD_TEST_SECRET = 'x';
    const minimal = await run(sh('env | cut -d= -f1 | sort | tr "\\n" " "'));
    expect(
      minimal.stdout.split(' ').filter((name) => !['PWD', 'SHLVL', '_', 'OLDPWD', ''].includes(name)),
    ).toEqual(['LC_ALL', 'PATH']);
    expect(await run(sh('echo $A', { env: { A: 'b' } }))).toMatchObject({ stdout: 'b\n' });
  });

  test('looks in the usual directories after the caller’s PATH', async () => {
    expect(await create('/nonexistent')(sh('echo $PATH'))).toMatchObject({
      stdout: '/nonexistent:/usr/sbin:/usr/bin:/sbin:/bin\n',
    });
  });

  test('reports a signal by its name', async () => {
    expect(await run(sh('kill -TERM $$'))).toMatchObject({ status: 'SIGTERM' });
  });

  test('kills a process that takes too long', async () => {
    const startedAt = performance.now();
    const outcome = await run({ file: 'sleep', args: ['20'], timeoutMs: 200 });
    expect(outcome.status).toBe('SIGKILL');
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  test('says that a program is not installed', async () => {
    expect(await run({ file: 'no-such-program', args: [] })).toEqual({
      status: undefined,
      stdout: '',
      stderr: 'no-such-program is not installed, or not in PATH',
    });
  });

  test('survives a process that does not read its stdin', async () => {
    expect(await run({ file: 'true', args: [], stdin: 'x'.repeat(1_000_000) })).toMatchObject({ status: 0 });
  });
});
