import { describe, expect, test } from 'vitest';
import { applyOnHost } from '../../../lib/exec/apply.ts';
import type { Command, Outcome } from '../../../lib/exec/command.ts';
import type { IfName } from '../../../lib/net/ifname.ts';
import type { Operation, Plan } from '../../../lib/plan/operation.ts';

const up = (name: string): Operation => ({ kind: 'set-up', name: name as IfName });
const sysctl = (path: string, ifPresent = false): Operation => ({
  kind: 'set-sysctl',
  path,
  value: '1',
  ifPresent,
});

const onHost = (...operations: readonly Operation[]): Plan =>
  operations.map((operation) => ({ place: 'host', operation }));

/** A host that writes down what it is told, and answers each process with the next of the outcomes. */
function host(...outcomes: readonly Partial<Outcome>[]) {
  const commands: Command[] = [];
  const written: string[] = [];
  return {
    commands,
    written,
    run: async (command: Command): Promise<Outcome> => {
      commands.push(command);
      return { status: 0, stdout: '', stderr: '', ...outcomes[commands.length - 1] };
    },
    readProc: (path: string) => (path.includes('absent') ? undefined : '0'),
    writeProc: (path: string) => {
      if (path.includes('refused')) throw new Error('Read-only file system');
      written.push(path);
    },
  };
}

describe('a plan that is carried out beside other work', () => {
  test('takes one process for neighbours, which passes over what fails', async () => {
    const kernel = host();

    const failures = await applyOnHost(onHost(up('a'), up('b'), sysctl('x'), up('c')), kernel);

    expect(failures).toEqual([]);
    expect(kernel.commands).toEqual([
      { file: 'ip', args: ['-force', '-batch', '-'], stdin: 'link set dev a up\nlink set dev b up\n' },
      { file: 'ip', args: ['-force', '-batch', '-'], stdin: 'link set dev c up\n' },
    ]);
    expect(kernel.written).toEqual(['/proc/sys/net/x']);
  });

  test('goes on after a failure and tells every line that failed, each with its own reason', async () => {
    const stderr =
      'Cannot find device "a"\nCommand failed -:1\nRTNETLINK answers: Operation not permitted\nCommand failed -:3\n';
    const kernel = host({ status: 1, stderr });

    const failures = await applyOnHost(onHost(up('a'), up('b'), up('c'), sysctl('x'), up('d')), kernel);

    expect(failures.map(({ message }) => message)).toEqual([
      'setting a up: Cannot find device "a" (ip link set dev a up)',
      'setting c up: Operation not permitted (ip link set dev c up)',
    ]);
    expect(kernel.commands).toHaveLength(2);
  });

  test('tells a process that names no line as one failure', async () => {
    const kernel = host({ status: undefined, stderr: 'ip is not installed, or not in PATH' });

    const failures = await applyOnHost(onHost(up('a'), up('b')), kernel);

    expect(failures.map(({ message }) => message)).toEqual([
      'ip -force -batch -: ip is not installed, or not in PATH',
    ]);
  });

  test('writes each setting below /proc by itself, and none that the kernel has not', async () => {
    const kernel = host();

    const failures = await applyOnHost(
      onHost(sysctl('refused'), sysctl('absent', true), sysctl('present', true)),
      kernel,
    );

    expect(failures.map(({ message }) => message)).toEqual([
      'setting /proc/sys/net/refused to 1: Read-only file system',
    ]);
    expect(kernel.written).toEqual(['/proc/sys/net/present']);
  });

  test.each<[string, Plan[number]]>([
    ['of a container', { place: 'container', operation: up('eth0') }],
    [
      'that waits',
      { place: 'host', operation: { kind: 'await-addresses', link: 'a' as IfName, timeoutMs: 1 } },
    ],
    ['that looks first', { place: 'host', operation: { kind: 'delete-unused-bridge', name: 'a' as IfName } }],
  ])('has no step %s', async (_, step) => {
    const kernel = host();

    await expect(applyOnHost([step], kernel)).rejects.toThrow(/has no such step/);
    expect(kernel.commands).toEqual([]);
  });
});
