import { describe, expect, test } from 'vitest';
import { reference, requireReference } from '../support/binaries.ts';
import { dualConf } from '../support/confs.ts';
import { mustInside } from '../support/process.ts';
import {
  foreignState,
  type NetworkOptions,
  ReferenceNetwork,
  type ReferenceRelease,
  type ReferenceSetup,
  referenceReleases,
  requireRelease,
  takeOver,
} from '../support/reference-plugins.ts';
import { Rig } from '../support/rig.ts';

const { debian, newest } = referenceReleases;

const cases: readonly { release: ReferenceRelease; setup: ReferenceSetup; backend: string }[] = [
  { release: debian, setup: { iptables: 'nft' }, backend: 'iptables of nftables' },
  { release: debian, setup: { iptables: 'legacy' }, backend: 'iptables of before nftables' },
  { release: newest, setup: { iptables: 'nft' }, backend: 'iptables of nftables' },
  { release: newest, setup: {}, backend: 'nftables' },
];

/** A container of the reference's on a host that has another one, and what that host had before it. */
async function prepared(rig: Rig, options: NetworkOptions) {
  const [other, own] = [await rig.container(), await rig.container()];
  const network = new ReferenceNetwork(rig, options);
  await network.attach(other, 'eth0', 8081);
  const before = await foreignState(rig);
  return { before, own, addresses: await network.attach(own) };
}

describe.each(cases)('the plugins of $release.name with $backend', ({ release, setup }) => {
  test('one attachment goes without a trace, and another one’s rules stay', async (context) => {
    requireRelease(context, release, setup);
    await using rig = await Rig.create();
    const { before, own, addresses } = await prepared(rig, { release, setup });
    expect(await foreignState(rig)).not.toBe(before);

    await takeOver(rig, { containerId: own, addresses });

    expect(await foreignState(rig)).toBe(before);
  });

  test('it goes as well when its namespace has gone, and twice', async (context) => {
    requireRelease(context, release, setup);
    await using rig = await Rig.create();
    const { before, own, addresses } = await prepared(rig, { release, setup });
    await rig.remove(own);

    await takeOver(rig, { containerId: own, addresses });
    await takeOver(rig, { containerId: own, addresses });

    expect(await foreignState(rig)).toBe(before);
  });

  test('all but what addresses alone tell goes without a previous result that can be read', async (context) => {
    requireRelease(context, release, setup);
    await using rig = await Rig.create();
    const { before, own, addresses } = await prepared(rig, { release, setup });

    await takeOver(rig, { containerId: own });
    await takeOver(rig, { containerId: own, addresses: ['none'], kinds: ['firewall'] });
    expect(await foreignState(rig)).not.toBe(before);
    await takeOver(rig, { containerId: own, addresses, kinds: ['firewall'] });

    expect(await foreignState(rig)).toBe(before);
  });

  test('of two interfaces of a container, one keeps its masquerade', async (context) => {
    requireRelease(context, release, setup);
    await using rig = await Rig.create();
    const own = await rig.container();
    const network = new ReferenceNetwork(rig, { release, setup });
    const others = ['portmap', 'firewall', 'bandwidth', 'spoofcheck'] as const;
    const first = await network.attach(own, 'eth0');
    await takeOver(rig, { containerId: own, addresses: first, kinds: others });
    const before = await foreignState(rig);
    const second = await network.attach(own, 'eth1');
    await takeOver(rig, { containerId: own, ifName: 'eth1', addresses: second, kinds: others });
    expect(await foreignState(rig)).not.toBe(before);

    await takeOver(rig, { containerId: own, ifName: 'eth1', addresses: second, kinds: ['masquerade'] });
    expect(await foreignState(rig)).toBe(before);

    await takeOver(rig, { containerId: own, addresses: first, kinds: ['masquerade'] });
    for (const address of first) expect(await foreignState(rig)).not.toContain(address.replace(/\/.*/, ''));
  });
});

test('port maps in nftables go with one network of a container and stay with another', async (context) => {
  requireRelease(context, newest, {});
  await using rig = await Rig.create();
  const own = await rig.container();
  const red = new ReferenceNetwork(rig, { release: newest, setup: {}, name: 'red' });
  const blue = new ReferenceNetwork(rig, {
    release: newest,
    setup: {},
    name: 'blue',
    subnet: '10.23.0.0/24',
  });
  await red.attach(own, 'eth0', 8081);
  const before = await hostPorts(rig);
  const addresses = (await blue.attach(own, 'eth1', 8082)).filter(
    (address) => !before.includes(`${address}:`),
  );
  expect(await hostPorts(rig)).not.toBe(before);

  await takeOver(rig, { containerId: own, network: 'blue', ifName: 'eth1', addresses, kinds: ['portmap'] });

  expect(await hostPorts(rig)).toBe(before);
});

test('DEL of our bridge leaves nothing of an attachment that the reference’s made, with and without its namespace', async (context) => {
  requireReference(context, 'bridge', 'host-local');
  await using rig = await Rig.create();
  const [kept, own, gone] = [await rig.container(), await rig.container(), await rig.container()];
  const conf = dualConf(rig, { cniVersion: '1.0.0', ipMasq: true });
  const theirs = (container: string) => rig.add(conf, container, reference('bridge'));
  await theirs(kept);
  const before = [await foreignState(rig), rig.leases(), await linkCount(rig)];
  const results = [await theirs(own), await theirs(gone)];
  await rig.remove(gone);

  await rig.del({ ...conf, prevResult: results[0] }, own);
  await rig.del(conf, gone);
  await rig.del(conf, gone);

  expect([await foreignState(rig), rig.leases(), await linkCount(rig)]).toEqual(before);
});

test('no process is started where the reference has left nothing', async () => {
  await using rig = await Rig.create();
  await mustInside(rig.host, 'nft', 'add', 'table', 'ip', 'nat');
  await mustInside(rig.host, 'nft', 'add', 'chain', 'ip', 'nat', 'CNI-0123456789abcdef01234567');

  expect(await takeOver(rig, { containerId: 'c', addresses: ['10.22.0.2/24'] })).toBe('');
});

async function hostPorts(rig: Rig): Promise<string> {
  return mustInside(rig.host, 'nft', 'list', 'table', 'ip', 'cni_hostport');
}

async function linkCount(rig: Rig): Promise<number> {
  return (await mustInside(rig.host, 'ip', '-o', 'link')).split('\n').length;
}
