import { expect, test } from 'vitest';
import { ipamConf } from '../support/confs.ts';
import {
  addressesOf,
  linkNames,
  linkOf,
  listRoutes,
  observeState,
  readSysctl,
  writeSysctl,
} from '../support/kernel.ts';
import { leftovers, nothing } from '../support/leftovers.ts';
import { mustInside, tryInside } from '../support/process.ts';
import { routed4, routed6, routedConf, routedHost } from '../support/routed.ts';
import { sourcesThatArrive } from '../support/spoofed-sources.ts';
import { addOutside, canPing, sourceSeenBy, startSourceServer } from '../support/traffic.ts';

const gateways = { v4: '169.254.1.1', v6: 'fe80::ecee:eeff:feee:eeee' };

test('containers reach each other and a machine outside with their own addresses, by both families', async () => {
  await using rig = await routedHost();
  const outside = await addOutside(rig);
  const [one, other] = [await rig.container(), await rig.container()];
  const conf = routedConf(rig);
  await rig.add(conf, one);
  await rig.add(conf, other);
  await using _server = await startSourceServer(outside.netns);

  const reached = await Promise.all(
    [routed4.second, routed6.second, gateways.v4, `${gateways.v6}%eth0`].map((to) => canPing(one, to)),
  );
  const seen = [await sourceSeenBy(outside.v4, one), await sourceSeenBy(outside.v6, one)];

  expect(reached).toEqual([true, true, true, true]);
  expect(seen).toEqual([routed4.first, routed6.first]);
});

test('the result and both ends have addresses without a network, and gateways that are link-local', async () => {
  await using rig = await routedHost();
  const container = await rig.container();

  const result = await rig.add(routedConf(rig), container);

  const veth = result.interfaces?.[0]?.name ?? '';
  const [hostEnd, containerEnd] = [await linkOf(rig.host, veth), await linkOf(container, 'eth0')];
  expect(result.ips).toEqual([
    { interface: 1, address: `${routed4.first}/32`, gateway: gateways.v4 },
    { interface: 1, address: `${routed6.first}/128`, gateway: gateways.v6 },
  ]);
  expect(result.routes).toEqual([
    { dst: '0.0.0.0/0', gw: gateways.v4 },
    { dst: '::/0', gw: gateways.v6 },
  ]);
  expect(hostEnd.address).toBe('ee:ee:ee:ee:ee:ee');
  expect(hostEnd.addr_info).toMatchObject([{ local: gateways.v6, scope: 'link' }]);
  expect(hostEnd.addr_info).not.toMatchObject([{ tentative: true }]);
  expect(addressesOf(containerEnd)).toEqual([`${routed4.first}/32`, `${routed6.first}/128`]);
  expect((await listRoutes(rig.host, 4)).filter(({ dev }) => dev === veth)).toMatchObject([
    { dst: routed4.first, scope: 'link' },
  ]);
  expect(await readSysctl(rig.host, `ipv4/conf/${veth}/proxy_arp`)).toBe('1');
});

test('containers have their gateway although the host answers no ARP for addresses of lo', async () => {
  await using rig = await routedHost();
  await writeSysctl(rig.host, 'ipv4/conf/all/arp_ignore', '1');
  const [one, other] = [await rig.container(), await rig.container()];
  await rig.add(routedConf(rig), one);
  await rig.add(routedConf(rig), other);

  expect(await canPing(one, routed4.second)).toBe(true);
});

test('169.254.1.1 answers although the host has no default route', async () => {
  await using rig = await routedHost();
  const container = await rig.container();
  await rig.add(routedConf(rig), container);

  const routes = await listRoutes(rig.host, 4);
  const answer = await mustInside(
    container,
    'busybox',
    'arping',
    '-c',
    '1',
    '-w',
    '2',
    '-I',
    'eth0',
    gateways.v4,
  );

  expect(routes.some(({ dst }) => dst === 'default')).toBe(false);
  expect(answer.toLowerCase()).toContain('ee:ee:ee:ee:ee:ee');
});

test('what a container sends from an address that is not its own is dropped, by both families', async () => {
  await using rig = await routedHost();
  const outside = await addOutside(rig);
  const [one, other] = [await rig.container(), await rig.container()];
  await rig.add(routedConf(rig), one);
  await rig.add(routedConf(rig), other);
  // Strict reverse path filtering of the kernel is IPv4's; here the rules are to do it alone.
  await mustInside(
    rig.host,
    'sh',
    '-c',
    'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $f; done',
  );
  const sourcesFrom = (address: string, sources: readonly string[]) =>
    sourcesThatArrive({ from: one, to: { netns: outside.netns, address }, sources });

  const v4 = await sourcesFrom(outside.v4, [routed4.second, '192.0.2.66', '203.0.113.1', routed4.first]);
  const v6 = await sourcesFrom(outside.v6, [
    routed6.second,
    '2001:db8:66::1',
    '2001:db8:99::1',
    routed6.first,
  ]);

  await mustInside(rig.host, 'nft', 'flush', 'chain', 'inet', 'fairlead', 'source_check');
  const unchecked = await sourcesFrom(outside.v6, ['2001:db8:66::1', routed6.first]);

  expect([v4, v6]).toEqual([[routed4.first], [routed6.first]]);
  expect(unchecked).toHaveLength(2);
});

test('an address that is routed elsewhere already is refused, and its holder named', async () => {
  await using rig = await routedHost();
  const [one, other] = [await rig.container(), await rig.container()];
  const first = await rig.add(routedConf(rig), one, { args: `IP=${routed4.second}` });
  const before = await observeState(rig.host);
  const elsewhere = routedConf(rig, {
    name: 'other',
    ipam: ipamConf({ dataDir: `${rig.dir}/others` }, [[routed4.range]]),
  });

  const { error } = await rig.cni('ADD', elsewhere, other, { args: `IP=${routed4.second}` });

  expect(error?.code).toBe(999);
  expect(error?.msg).toContain(`${routed4.second}/32 is routed to ${first.interfaces?.[0]?.name}`);
  expect(error?.msg).toContain(`fairlead/net/${one}/eth0`);
  expect(await observeState(rig.host)).toEqual(before);
  expect(await linkNames(other)).toEqual([]);
});

test('IPv6 alone, a requested address and a second interface', async () => {
  await using rig = await routedHost();
  const container = await rig.container();
  const only6 = routedConf(rig, { ipam: ipamConf(rig, [[routed6.range]]) });

  const result = await rig.add(only6, container, { args: 'IP=fd00:50::77' });
  const second = await rig.add(only6, container, { ifName: 'eth1' });

  expect(result.ips).toEqual([{ interface: 1, address: 'fd00:50::77/128', gateway: gateways.v6 }]);
  expect(second.ips?.[0]?.address).toBe('fd00:50::78/128');
  expect(await tryInside(container, 'ip', '-6', 'route', 'get', '2001:db8::1')).toMatchObject({ status: 0 });
});

test.each(['0.3.1', '0.4.0', '1.0.0', '1.1.0'])('a result of version %s', async (cniVersion) => {
  await using rig = await routedHost();
  const container = await rig.container();

  const result = await rig.add(routedConf(rig, { cniVersion }), container);

  expect(result.cniVersion).toBe(cniVersion);
  expect(result.ips?.map(({ address }) => address)).toEqual([`${routed4.first}/32`, `${routed6.first}/128`]);
});

test('names are asked for at the IPv4 gateway alone', async () => {
  await using rig = await routedHost();
  const container = await rig.container();

  const { dns } = await rig.add(routedConf(rig, { registry: { store: rig.store, dns: true } }), container);

  expect(dns).toMatchObject({ nameservers: [gateways.v4] });
});

test('masquerade spares the networks that see the containers’ own addresses', async () => {
  await using rig = await routedHost();
  const outside = await addOutside(rig);
  const container = await rig.container();
  await using _server = await startSourceServer(outside.netns);
  const conf = routedConf(rig, { ipMasq: true, unmasqueraded: ['2001:db8:99::/64'] });
  const prevResult = await rig.add(conf, container);

  const seen = [await sourceSeenBy(outside.v4, container), await sourceSeenBy(outside.v6, container)];
  const checked = await rig.cni('CHECK', { ...conf, prevResult }, container);

  expect(seen).toEqual(['203.0.113.1', routed6.first]);
  expect(checked.stdout).toBe('');
});

test('DEL leaves nothing: twice, without a namespace, and after the container has gone', async () => {
  await using rig = await routedHost();
  const conf = routedConf(rig);
  const [one, other, gone] = [await rig.container(), await rig.container(), await rig.container()];
  for (const container of [one, other, gone]) await rig.add(conf, container);
  await rig.remove(gone);

  await rig.del(conf, one);
  await rig.del(conf, one);
  await rig.del(conf, other, { env: { CNI_NETNS: '' } });
  await rig.del(conf, gone);

  expect(await leftovers(rig)).toEqual(nothing);
  expect(await listRoutes(rig.host, 4)).toEqual([]);
});

test('GC removes what is not valid any more, and nothing of another network', async () => {
  await using rig = await routedHost();
  const conf = routedConf(rig);
  const other = routedConf(rig, { name: 'other', ipam: ipamConf(rig, [[{ subnet: '10.51.0.0/24' }]]) });
  const [keep, stale, elsewhere] = [await rig.container(), await rig.container(), await rig.container()];
  await rig.add(conf, keep);
  await rig.add(other, elsewhere);
  const before = await observeState(rig.host);
  await rig.add(conf, stale);
  const valid = { 'cni.dev/valid-attachments': [{ containerID: keep, ifname: 'eth0' }] };

  const { status } = await rig.cni('GC', { ...conf, ...valid }, '');

  expect(status).toBe(0);
  expect(await observeState(rig.host)).toEqual(before);
  expect(Object.keys(rig.leases())).toEqual([routed4.first, routed6.first]);
});

test('twenty containers that come at once on a new host are all attached, and checked', async () => {
  await using rig = await routedHost();
  const containers = await rig.containers(20);
  const conf = routedConf(rig, { ipMasq: true });

  const results = await Promise.all(containers.map((container) => rig.add(conf, container)));

  const checks = await Promise.all(
    containers.map((container, at) => rig.cni('CHECK', { ...conf, prevResult: results[at] }, container)),
  );
  expect(checks.map(({ stdout }) => stdout).join('')).toBe('');
  expect(new Set(results.map(({ ips }) => ips?.[0]?.address)).size).toBe(20);
});
