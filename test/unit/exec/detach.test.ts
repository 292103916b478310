import { expect, test } from 'vitest';
import { detach } from '../../../lib/attach/detach.ts';
import type { CleanupStep } from '../../../lib/errors/collect.ts';
import type { Machine } from '../../../lib/exec/machine.ts';
import { hostVethName, type IfName } from '../../../lib/net/ifname.ts';
import { toCall } from '../../support/calls.ts';
import { scriptMachine } from '../../support/scripted-machine.ts';

const { attachment } = toCall({});
const port = hostVethName(attachment.containerId, attachment.ifName);
const forwarding = (name: string) => `/proc/sys/net/ipv4/conf/${name}/forwarding`;

/** What is to go beside the link: rules, by nft. */
function rulesOf(machine: Machine): readonly CleanupStep[] {
  const run = () => {
    const { status, stderr } = machine.run({ file: 'nft', args: ['-f', '-'] });
    if (status !== 0) throw new Error(stderr);
  };
  return [{ doing: 'removing rules', run }];
}

test('nothing is started where nothing is left', () => {
  const machine = scriptMachine();
  expect(detach({ ...attachment, netns: '' }, [], machine)).toEqual([]);
  expect(machine.log).toEqual([]);
});

test('the link goes while nft works', () => {
  const proc: Record<string, string> = { [forwarding(port)]: '1' };
  const machine = scriptMachine({
    proc,
    answer: ({ file }) => {
      if (file === 'nft') delete proc[forwarding(port)];
      return undefined;
    },
  });
  expect(detach(attachment, rulesOf(machine), machine)).toEqual([]);
  expect(machine.log.map((entry) => entry.split('\n')[0])).toEqual([
    `host: ip link del dev ${port}`,
    'host: nft -f -',
  ]);
});

test('a link that does not go is tried once more, and the reason told', () => {
  const machine = scriptMachine({
    proc: { [forwarding(port)]: '1' },
    answer: ({ args }) =>
      args.includes('-batch')
        ? { status: 1, stderr: 'RTNETLINK answers: Operation not permitted\nCommand failed -:1\n' }
        : undefined,
  });
  expect(detach(attachment, [], machine)).toMatchObject([
    { message: expect.stringContaining(`removing link ${port}: Operation not permitted`) },
  ]);
});

test('a failure to look up the rules does not stop the link from going', () => {
  const proc: Record<string, string> = { [forwarding(port)]: '1' };
  const machine = scriptMachine({
    proc,
    answer: ({ file }) => {
      if (file === 'ip') delete proc[forwarding(port)];
      return undefined;
    },
  });
  const failing = () => {
    throw new Error('nft cannot tell');
  };
  expect(detach(attachment, [{ doing: 'removing rules', run: failing }], machine)).toMatchObject([
    { message: 'removing rules: nft cannot tell' },
  ]);
  expect(machine.log).toEqual([`host: ip link del dev ${port}`]);
});

test('a failure of nft does not stop the link from going', () => {
  const proc: Record<string, string> = { [forwarding(port)]: '1' };
  const machine = scriptMachine({
    proc,
    answer: ({ file }) => {
      if (file === 'ip') delete proc[forwarding(port)];
      return file === 'nft' ? { status: 1, stderr: 'Error: no' } : undefined;
    },
  });
  expect(detach(attachment, rulesOf(machine), machine)).toHaveLength(1);
  expect(machine.log[0]).toContain('link del');
});

test('a link of the reference, whose host end has another name, goes by its container end', () => {
  const proc: Record<string, string> = { [forwarding('eth0')]: '1' };
  const machine = scriptMachine({
    proc,
    answer: () => {
      delete proc[forwarding('eth0')];
      return undefined;
    },
  });
  // The scripted procfs shows the same in every namespace; the log says where `ip` ran.
  expect(detach({ ...attachment, ifName: 'eth0' as IfName }, [], machine)).toEqual([]);
  expect(machine.log).toEqual([`${attachment.netns}: ip -batch -\nlink del dev eth0`]);
});
