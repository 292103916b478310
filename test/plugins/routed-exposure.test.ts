import { expect, test } from 'vitest';
import { writeSysctl } from '../support/kernel.ts';
import { mustInside } from '../support/process.ts';
import { datagramsThatArrive, type RawDatagram } from '../support/raw-datagrams.ts';
import type { Rig } from '../support/rig.ts';
import { routed4, routed6, routedConf, routedHost } from '../support/routed.ts';
import { addOutside, canPing, hostOutside } from '../support/traffic.ts';

// What a container and the links of the host may reach of the host itself.

const gateways = { v4: '169.254.1.1', v6: 'fe80::ecee:eeff:feee:eeee' };

/** Those that a program of the host receives which listens at all its addresses. */
function reachHost(rig: Rig, from: string, datagrams: readonly RawDatagram[]) {
  return datagramsThatArrive({ from, to: rig.host, hop: 'ee:ee:ee:ee:ee:ee' }, datagrams);
}

test('a container does not reach the loopback addresses of its host, by the kernel’s means and by the rules', async () => {
  await using rig = await routedHost();
  const [container, other] = [await rig.container(), await rig.container()];
  await rig.add(routedConf(rig), container);
  const tried = [
    { source: routed4.first, target: '127.0.0.1' },
    { source: routed4.first, target: '127.9.9.9' },
    { source: routed4.first, target: gateways.v4 },
  ];

  await mustInside(rig.host, 'nft', 'flush', 'chain', 'inet', 'fairlead', 'source_check');
  const withoutRules = await reachHost(rig, container, tried);
  await rig.add(routedConf(rig), other);
  await writeSysctl(rig.host, 'ipv4/conf/all/route_localnet', '1');
  const withLocalRoutes = await reachHost(rig, container, tried);

  expect(withoutRules).toEqual([`${routed4.first} > ${gateways.v4}`]);
  expect(withLocalRoutes).toEqual([`${routed4.first} > ${gateways.v4}`]);
});

test('a link-local or an unspecified source reaches its link alone', async () => {
  await using rig = await routedHost();
  await addOutside(rig);
  const container = await rig.container();
  await rig.add(routedConf(rig), container);

  const arrived = await reachHost(rig, container, [
    { source: '::', target: gateways.v6 },
    { source: '::', target: hostOutside.v6 },
    { source: '::', target: 'ff02::1' },
    { source: 'fe80::66', target: hostOutside.v6 },
    { source: 'fe80::66', target: gateways.v6 },
    { source: 'fe80::66', target: 'ff02::1' },
    { source: routed6.first, target: hostOutside.v6 },
  ]);

  expect(arrived).toEqual([
    `fe80::66 > ${gateways.v6}`,
    'fe80::66 > ff02::1',
    `${routed6.first} > ${hostOutside.v6}`,
  ]);
});

test('a container finds out that an address is not free, for which it asks without a source', async () => {
  await using rig = await routedHost();
  const container = await rig.container();
  await rig.add(routedConf(rig), container);

  await mustInside(container, 'ip', 'addr', 'add', `${gateways.v6}/64`, 'dev', 'eth0');

  await expect
    .poll(() => mustInside(container, 'ip', 'addr', 'show', 'dev', 'eth0', 'dadfailed'), { timeout: 5000 })
    .toContain(gateways.v6);
});

test('the gateway of the containers answers them and the host, and no other link', async () => {
  await using rig = await routedHost();
  const outside = await addOutside(rig);
  const container = await rig.container();
  await rig.add(routedConf(rig), container);

  const answered = await Promise.all(
    [container, rig.host, outside.netns].map((from) => canPing(from, gateways.v4)),
  );

  expect(answered).toEqual([true, true, false]);
  expect(await canPing(outside.netns, routed4.first)).toBe(true);
});
