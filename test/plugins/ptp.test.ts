import { expect, test } from 'vitest';
import { reference, requireReference } from '../support/binaries.ts';
import { ipamConf, v4, v6 } from '../support/confs.ts';
import { type KernelLink, linkNames, linkOf, listChains, listRoutes } from '../support/kernel.ts';
import { leftovers, nothing } from '../support/leftovers.ts';
import { type CallOptions, type CniResult, type Conf, Rig } from '../support/rig.ts';
import { sourcesThatArrive } from '../support/spoofed-sources.ts';
import { addOutside, canPing, sourceSeenBy, startSourceServer } from '../support/traffic.ts';

const defaults = [{ dst: '0.0.0.0/0' }, { dst: '::/0' }];

/** A network of both families; fields given are set over it. */
function ptpConf(rig: Rig, changes: Conf = {}): Conf {
  const ipam = { ...ipamConf(rig, [[{ subnet: v4.subnet }], [{ subnet: v6.subnet }]]), routes: defaults };
  return { cniVersion: '1.0.0', name: 'net', type: 'ptp', ipam, ...changes };
}

const sameNetworks: Record<string, Conf> = {
  'both families': {},
  'MTU and DNS of its own': { mtu: 1400, dns: { nameservers: ['192.0.2.53'], search: ['example.org'] } },
  'masquerade and a route by another gateway': { ipMasq: true },
};

test.for(Object.entries(sameNetworks))(
  'ptp answers and wires as the reference does: %s',
  async ([, changes], context) => {
    requireReference(context, 'ptp');
    await using theirs = await Rig.create();
    await using ours = await Rig.create();
    const expected = await attachAndLook(theirs, ptpConf(theirs, changes), reference('ptp'));

    const found = await attachAndLook(ours, ptpConf(ours, { ...changes, registry: false }), {});

    expect(found).toEqual(expected);
  },
);

/** One ADD, and all that it has brought about, without names, MACs and what passes by itself. */
async function attachAndLook(rig: Rig, conf: Conf, options: CallOptions): Promise<object> {
  const container = await rig.container();
  const result = await rig.add(conf, container, options);
  const veth = result.interfaces?.[0]?.name ?? '';
  const ends = [await linkOf(rig.host, veth), await linkOf(container, 'eth0')];
  const routes = await Promise.all(
    [rig.host, container].flatMap((netns) => ([4, 6] as const).map((family) => listRoutes(netns, family))),
  );
  return JSON.parse(
    JSON.stringify({
      result: anonymous(result),
      ends: ends.map(lasting),
      routes: routes.map((each) => each.filter(isLasting)),
    })
      .replaceAll(veth, 'veth')
      .replaceAll(container, 'container'),
  );
}

function anonymous({ interfaces = [], ...rest }: CniResult): object {
  return { ...rest, interfaces: interfaces.map(({ name, sandbox }) => ({ name, sandbox })) };
}

function lasting({ ifname, mtu, addr_info }: KernelLink): object {
  const addresses = addr_info
    .filter(({ scope }) => scope !== 'link')
    .map(({ local, prefixlen, scope, broadcast }) => ({ local, prefixlen, scope, broadcast }));
  return { ifname, mtu, addresses };
}

function isLasting({ dst }: { readonly dst: string }): boolean {
  return !dst.startsWith('fe80');
}

test('containers reach each other and a machine outside, with the host’s address where that is asked for', async () => {
  await using rig = await Rig.create();
  const outside = await addOutside(rig);
  const [one, other] = [await rig.container(), await rig.container()];
  const conf = ptpConf(rig, { ipMasq: true });
  await rig.add(conf, one);
  await rig.add(conf, other);
  await using _server = await startSourceServer(outside.netns);

  const reached = await Promise.all(
    [v4.second, v6.second, v4.gateway, v6.gateway].map((to) => canPing(one, to)),
  );
  const seen = [await sourceSeenBy(outside.v4, one), await sourceSeenBy(outside.v6, one)];

  expect(reached).toEqual([true, true, true, true]);
  expect(seen).toEqual(['203.0.113.1', '2001:db8:99::1']);
});

test('a second container adds no rule, and DEL leaves nothing but the network’s', async () => {
  await using rig = await Rig.create();
  const conf = ptpConf(rig, { ipMasq: true });
  const [one, other] = [await rig.container(), await rig.container()];
  await rig.add(conf, one);
  const chains = await listChains(rig.host, 'inet');
  await rig.add(conf, other);
  const later = await listChains(rig.host, 'inet');

  for (const container of [one, other, one]) await rig.del(conf, container);

  expect(later).toEqual(chains);
  expect(await leftovers(rig)).toEqual(nothing);
  expect([await linkNames(one), await linkNames(other)]).toEqual([[], []]);
});

test('CHECK and DEL understand what the reference has attached', async (context) => {
  requireReference(context, 'ptp');
  await using rig = await Rig.create();
  const container = await rig.container();
  const conf = ptpConf(rig, { ipMasq: true });
  const prevResult = await rig.add(conf, container, reference('ptp'));

  const checked = await rig.cni('CHECK', { ...conf, prevResult }, container);
  await rig.del({ ...conf, prevResult }, container);

  expect([checked.status, checked.stdout]).toEqual([0, '']);
  expect(await leftovers(rig)).toEqual(nothing);
});

test('without an IPAM the ADD is refused (7)', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();

  const { error } = await rig.cni('ADD', ptpConf(rig, { ipam: undefined }), container);

  expect(error).toMatchObject({ code: 7, msg: expect.stringContaining('ipam') });
  expect(await leftovers(rig)).toEqual(nothing);
});

test.each([
  ['with ipspoofchk only from its own addresses', true, [v4.first]],
  ['without, from any', false, ['10.22.0.77', v4.first]],
])('a container can send %s', async (_, ipspoofchk, expected) => {
  await using rig = await Rig.create();
  const { netns, v4: address } = await addOutside(rig);
  const container = await rig.container();
  await rig.add(ptpConf(rig, { ipspoofchk }), container);

  const arrived = await sourcesThatArrive({
    from: container,
    to: { netns, address },
    sources: ['10.22.0.77', v4.first],
  });

  expect(arrived).toEqual(expected);
});
