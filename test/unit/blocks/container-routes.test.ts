import { expect, test } from 'vitest';
import type { Command } from '../../../lib/exec/command.ts';
import { inquire } from '../../../lib/exec/inquiry.ts';
import { formatAddress } from '../../../lib/net/address.ts';
import { containerRoutesInquiry } from '../../../plugins/agent/container-routes.ts';

const endOf = (ifname: string, group: string) => ({ ifname, group, flags: ['UP'], mtu: 1500 });

/** What `ip` tells of a host with a container of each link group, and one of another program. */
const answers: Readonly<Record<string, readonly object[]>> = {
  '-N -j link show type veth': [endOf('veth1', '76'), endOf('veth2', '77'), endOf('veth3', '0')],
  '-4 -N -j route show': [
    { dst: 'default', gateway: '192.0.2.1', dev: 'eth0', flags: [] },
    { dst: '10.50.0.1', dev: 'veth1', scope: '253', flags: [] },
    { dst: '10.50.0.3', dev: 'veth3', scope: '253', flags: [] },
    { dst: '10.50.0.64/26', dev: 'veth2', flags: [] },
    { type: '6', dst: '10.50.0.0/26', protocol: '78', flags: [] },
  ],
  '-6 -N -j route show': [
    { dst: 'fd00:50::1', dev: 'veth2', metric: 1024, flags: [], pref: 'medium' },
    { dst: 'fe80::/64', dev: 'veth2', protocol: '2', metric: 256, flags: [], pref: 'medium' },
  ],
};

const answer = ({ args }: Command) => ({
  status: 0,
  stdout: JSON.stringify(answers[args.join(' ')]),
  stderr: '',
});

test("containers have the addresses of which the host's route leads to their veth", () => {
  const found = inquire(containerRoutesInquiry(), answer);

  expect(found.map(formatAddress)).toEqual(['10.50.0.1', 'fd00:50::1']);
});

test('a kernel that does not answer has an error, not no container', () => {
  const refuse = () => ({ status: 1, stdout: '', stderr: 'ip: it failed' });

  expect(() => inquire(containerRoutesInquiry(), refuse)).toThrow('it failed');
});

test('routes are not asked for where there is no container', () => {
  const asked: string[] = [];
  const none = ({ args }: Command) => {
    asked.push(args.join(' '));
    return { status: 0, stdout: '[]', stderr: '' };
  };

  expect(inquire(containerRoutesInquiry(), none)).toEqual([]);
  expect(asked).toEqual(['-N -j link show type veth']);
});
