import { expect, test } from 'vitest';
import { detach } from '../../../lib/attach/detach.ts';
import { hostVethName, type IfName } from '../../../lib/net/ifname.ts';
import type { NftOperation } from '../../../lib/nft/operation.ts';
import { bridgeTable } from '../../../lib/spoofcheck/spoofcheck.ts';
import { toCall } from '../../support/calls.ts';
import { scriptMachine } from '../../support/scripted-machine.ts';

const { attachment } = toCall({});
const port = hostVethName(attachment.containerId, attachment.ifName);
const forwarding = (name: string) => `/proc/sys/net/ipv4/conf/${name}/forwarding`;
const elements: readonly NftOperation[] = [
  { kind: 'delete-element', table: bridgeTable, set: 'mac_checked', key: [`"${port}"`] },
];

test('nothing is started where nothing is left', () => {
  const machine = scriptMachine();
  expect(detach({ ...attachment, netns: '' }, () => [], machine)).toEqual([]);
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
  expect(detach(attachment, () => elements, machine)).toEqual([]);
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
  expect(detach(attachment, () => [], machine)).toMatchObject([
    { message: expect.stringContaining(`removing link ${port}: Operation not permitted`) },
  ]);
});

test('a failure to look up the elements does not stop the link from going', () => {
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
  expect(detach(attachment, failing, machine)).toMatchObject([
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
  expect(detach(attachment, () => elements, machine)).toHaveLength(1);
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
  expect(detach({ ...attachment, ifName: 'eth0' as IfName }, () => [], machine)).toEqual([]);
  expect(machine.log).toEqual([`${attachment.netns}: ip -batch -\nlink del dev eth0`]);
});
