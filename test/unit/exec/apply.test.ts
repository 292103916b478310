import { describe, expect, test } from 'vitest';
import { applyPlan } from '../../../lib/exec/apply.ts';
import type { IfName } from '../../../lib/net/ifname.ts';
import type { Mac } from '../../../lib/net/mac.ts';
import type { Plan, Step } from '../../../lib/plan/operation.ts';
import { scriptMachine } from '../../support/scripted-machine.ts';

const name = (text: string) => text as IfName;
const netns = '/run/netns/c1';

/** A link that is made, with an undo that names it, so that the order of undoing can be read off. */
const link = (text: string): Step => ({
  place: 'host',
  operation: {
    kind: 'add-veth',
    name: name(text),
    mac: '02:00:00:00:00:01' as Mac,
    mtu: 1500,
    peer: { name: name('eth0'), mac: '02:00:00:00:00:02' as Mac, netns },
  },
  undo: { kind: 'delete-link', name: name(text) },
});

const element = (text: string): Step => {
  const key = { table: { family: 'bridge', name: 'fairlead' }, set: 's', key: [`"${text}"`] } as const;
  return {
    place: 'host',
    operation: { kind: 'add-element', ...key },
    undo: { kind: 'delete-element', ...key },
  };
};

const plan: Plan = [
  link('one'),
  link('two'),
  { place: 'container', operation: { kind: 'set-sysctl', path: 'ipv4/conf/eth0/arp_notify', value: '1' } },
  { place: 'container', operation: { kind: 'set-up', name: name('eth0') } },
  element('three'),
  link('four'),
];

describe('a plan', () => {
  test('is carried out in batches, one process for neighbours', () => {
    const machine = scriptMachine();
    applyPlan(plan, { machine, netns });
    expect(machine.log.map((entry) => entry.split('\n')[0])).toEqual([
      'host: ip -batch -',
      `${netns}: write /proc/sys/net/ipv4/conf/eth0/arp_notify=1`,
      `${netns}: ip -batch -`,
      'host: nft -f -',
      'host: ip -batch -',
    ]);
  });

  test('can be undone as a whole, in reverse', () => {
    const machine = scriptMachine();
    const undo = applyPlan(plan, { machine, netns });
    const before = machine.log.length;
    expect(undo()).toEqual([]);
    expect(undone(machine.log.slice(before))).toEqual(['four', 'three', 'two', 'one']);
  });
});

describe('a failure', () => {
  // [which process fails, at which line of its batch, what must have been undone]
  test.each([
    [1, 1, []],
    [1, 2, ['one']],
    [2, 1, ['two', 'one']],
    [3, undefined, ['two', 'one']],
    [4, 1, ['three', 'two', 'one']],
  ])('of process %i at line %s undoes what was done before, in reverse', (failing, line, expected) => {
    const machine = failAt(failing, line);
    expect(() => applyPlan(plan, { machine, netns })).toThrow(/went wrong/);
    expect(undone(machine.log.slice(failedAt(machine.log, failing) + 1))).toEqual(expected);
  });

  test('names the operation and the line', () => {
    expect(() => applyPlan(plan, { machine: failAt(1, 2), netns })).toThrow(
      /creating the veth pair two and eth0: went wrong \(ip link add name two/,
    );
  });

  test('of the undoing stands in the details, and does not stop it', () => {
    let processes = 0;
    const machine = scriptMachine({
      answer: () =>
        ++processes >= 3 ? { status: 1, stderr: 'Error: went wrong\nCommand failed -:1\n' } : undefined,
    });
    let failure: unknown;
    try {
      applyPlan(plan, { machine, netns });
    } catch (error) {
      failure = error;
    }
    expect(failure).toMatchObject({
      details: expect.stringMatching(/then, cleaning up: undoing: .*went wrong/),
    });
    expect(undone(machine.log.slice(failedAt(machine.log, 3)))).toEqual(['two', 'one']);
  });

  test('of a process that was killed undoes the whole of its batch', () => {
    const machine = scriptMachine({
      answer: ({ args }) => (args.includes('-force') ? undefined : { status: 'SIGKILL' }),
    });
    expect(() => applyPlan([link('one'), link('two')], { machine, netns })).toThrow(/SIGKILL/);
    expect(undone(machine.log.slice(1))).toEqual(['two', 'one']);
  });
});

/** A machine whose nth process fails, `ip` at the line given. */
function failAt(failing: number, line: number | undefined) {
  let processes = 0;
  const blame = line === undefined ? '' : `Command failed -:${line}\n`;
  return scriptMachine({
    answer: () =>
      ++processes === failing ? { status: 1, stderr: `Error: went wrong\n${blame}` } : undefined,
  });
}

/** Where in the log the nth process stands; writes below /proc are no processes. */
function failedAt(log: readonly string[], failing: number): number {
  const processes = log.flatMap((entry, at) => (entry.includes(': write ') ? [] : [at]));
  return processes[failing - 1] ?? -1;
}

/** The names that were taken back, in order. */
function undone(log: readonly string[]): string[] {
  return log
    .flatMap((entry) => entry.split('\n').slice(1))
    .flatMap((line) => /^(?:link del dev |delete element .*")(\w+)/.exec(line)?.[1] ?? []);
}
