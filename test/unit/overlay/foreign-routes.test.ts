import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Run } from '../../../lib/exec/command.ts';
import type { IfName } from '../../../lib/net/ifname.ts';
import { checkOverlap, overlapAmong } from '../../../lib/overlay/kernel/foreign-routes.ts';
import { parseNetworkConfig } from '../../../lib/overlay/lease/network-config.ts';
import { tableOf } from '../../../lib/overlay/lease/table.ts';
import { cidr, subnet } from '../../support/overlay-planes.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const network = cidr('10.5.0.0/16');
const own = { links: new Set(['flannel.1']), subnets: [subnet(1), subnet(2)] };
const route = (dst: string, link = 'eth0', protocol = 4) => ({
  dst: cidr(dst),
  link: link as IfName,
  protocol,
});

describe('a route of the host', () => {
  test.each([
    ['a part of the network', '10.5.128.0/20'],
    ['an address in it', '10.5.77.7/32'],
    ['the same', '10.5.0.0/16'],
    ['a wider one', '10.0.0.0/8'],
  ])('is in the way where its destination is %s', (_, dst) => {
    expect(overlapAmong(network, [route('192.0.2.0/24'), route(dst)], own)).toContain(
      `the route to ${dst} by eth0`,
    );
  });

  test.each([
    ['a destination elsewhere', route('10.6.0.0/16')],
    ['the default route', route('0.0.0.0/0')],
    ['one of the overlay’s device', route('10.5.2.0/24', 'flannel.1')],
    ['the bridge of this host’s subnet', route('10.5.1.0/24', 'cni0')],
    ['a part of another host’s subnet, direct', route('10.5.2.0/24', 'eth1')],
    ['one that an agent has made before', route('10.5.9.0/24', 'eth1', 76)],
  ])('is not in the way: %s', (_, found) => {
    expect(overlapAmong(network, [found], own)).toBeUndefined();
  });
});

describe('joining an overlay', () => {
  const config = parseNetworkConfig(
    JSON.stringify({ Network: '10.5.0.0/16', Backend: { Type: 'vxlan' } }),
    'config',
  );
  const printing = (...routes: readonly object[]): Run => {
    const outcome = { status: 0, stdout: JSON.stringify(routes), stderr: '' };
    return () => Promise.resolve(outcome);
  };
  const settings = (stateFile: string, mode: 'l2' | 'l3' = 'l3') => ({
    mode,
    stateFile,
    bridge: 'cni0' as IfName,
  });
  const bridged = (dst: string) => ({ dst, dev: 'cni0', protocol: 'kernel', scope: 'link', flags: [] });

  test('is refused where a route of the host is in the way', async () => {
    using dir = temporaryDirectory();
    const run = printing({ dst: '10.5.128.0/20', gateway: '192.0.2.254', dev: 'eth0', flags: [] });

    const joining = checkOverlap(config, {
      settings: settings(`${dir.path}/none`),
      table: tableOf([], '/coreos.com/network'),
      run,
    });

    await expect(joining).rejects.toThrow(/overlaps with the route to 10\.5\.128\.0\/20 by eth0/);
  });

  test('is not where the route is of the subnet that this host had in its last run', async () => {
    using dir = temporaryDirectory();
    const stateFile = `${dir.path}/overlay.json`;
    writeFileSync(stateFile, '{"subnets": ["10.5.7.0/24"]}');
    const table = tableOf([], '/coreos.com/network');

    await checkOverlap(config, {
      settings: settings(stateFile),
      table,
      run: printing(bridged('10.5.7.0/24')),
    });
  });

  test('is not in mode l2 where the route is that of the bridge, which has the whole network', async () => {
    const table = tableOf([], '/coreos.com/network');
    const run = printing(bridged('10.5.0.0/16'));

    await checkOverlap(config, { settings: settings('/none', 'l2'), table, run });
    await expect(checkOverlap(config, { settings: settings('/none'), table, run })).rejects.toThrow(/cni0/);
  });
});
