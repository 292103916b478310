import { chmodSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createSelectIpam, type Ipam } from '../../../lib/cni/ipam.ts';
import type { Outcome } from '../../../lib/exec/command.ts';
import { addEnvironment, toCall } from '../../support/calls.ts';
import { scriptMachine } from '../../support/scripted-machine.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const result = { cniVersion: '1.1.0', ips: [{ address: '10.1.0.2/24' }] };
const parsed = { interfaces: [], ips: [], routes: [], dns: {} };
const builtIn: Ipam = {
  add: () => parsed,
  del: () => undefined,
  check: () => undefined,
  gc: () => undefined,
  status: () => undefined,
};

/** An IPAM plugin `theirs` in a directory of its own, which answers as scripted. */
function rig(dir: string, answers: Readonly<Record<string, Partial<Outcome>>> = {}) {
  writeFileSync(`${dir}/theirs`, '');
  chmodSync(`${dir}/theirs`, 0o755);
  const verbs: string[] = [];
  const machine = scriptMachine({
    answer: ({ env }) => {
      const verb = env?.CNI_COMMAND ?? '';
      verbs.push(verb);
      return answers[verb];
    },
  });
  const select = (isSameBuild: boolean) =>
    createSelectIpam({ machine, builtIn: new Map([['theirs', builtIn]]), isSameBuild: () => isSameBuild });
  const call = (type: string) =>
    toCall({ ipam: { type } }, addEnvironment({ CNI_PATH: `/nonexistent:${dir}` }));
  return { verbs, machine, select, call };
}

describe('an IPAM plugin', () => {
  test('of this build runs in this process', () => {
    using dir = temporaryDirectory();
    const { select, call, machine } = rig(dir.path);
    expect(select(true)(call('theirs'))?.add(call('theirs'))).toBe(parsed);
    expect(machine.log).toEqual([]);
  });

  test('of another build is executed with the caller’s environment and configuration', () => {
    using dir = temporaryDirectory();
    const { select, call, machine } = rig(dir.path, { ADD: { stdout: JSON.stringify(result) } });
    const answer = select(false)(call('theirs'))?.add(call('theirs'));
    expect(answer?.ips).toHaveLength(1);
    expect(machine.log[0]).toMatch(new RegExp(`^host: ${dir.path}/theirs\\n.*"ipam":{"type":"theirs"}`));
  });

  test('is absent where the configuration names none', () => {
    using dir = temporaryDirectory();
    const { select, call } = rig(dir.path);
    expect(select(true)(call(''))).toBeUndefined();
  });

  test.each([
    ['absent', /ipam\.type: plugin absent is in none of the directories of CNI_PATH \(\/nonexistent, /],
    ['../theirs', /ipam\.type: expected the name of a plugin/],
    ['a b', /ipam\.type: expected the name of a plugin/],
    ['bridge', /ipam\.type: expected an IPAM plugin/],
  ])('called %j is refused with code 7', (type, message) => {
    using dir = temporaryDirectory();
    const { select, call } = rig(dir.path);
    expect(() => select(false)(call(type))).toThrow(
      expect.objectContaining({ code: 7, message: expect.stringMatching(message) }),
    );
  });

  test('that fails an ADD gets its DEL, and its error is passed on with its code', () => {
    using dir = temporaryDirectory();
    const stdout = JSON.stringify({ code: 11, msg: 'pool empty', details: 'd' });
    const { select, call, verbs } = rig(dir.path, { ADD: { status: 1, stdout } });
    expect(() => select(false)(call('theirs'))?.add(call('theirs'))).toThrow(
      expect.objectContaining({ code: 11, message: expect.stringContaining('pool empty'), details: 'd' }),
    );
    expect(verbs).toEqual(['ADD', 'DEL']);
  });

  test.each([
    [
      'that crashes',
      { status: 'SIGSEGV', stderr: 'segfault' },
      /failed without a CNI error: segfault \(exit SIGSEGV\)/,
    ],
    ['that answers garbage', { stdout: 'garbage' }, /the result of .*theirs: expected an object/],
    ['that answers without an address', { stdout: '{"cniVersion":"1.0.0"}' }, /answered without any address/],
  ])('%s is told as such', (_, outcome, message) => {
    using dir = temporaryDirectory();
    const { select, call } = rig(dir.path, { ADD: outcome });
    expect(() => select(false)(call('theirs'))?.add(call('theirs'))).toThrow(message);
  });
});
