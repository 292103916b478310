import { describe, expect, test } from 'vitest';
import { attach, deviceOf, limits, megabit } from '../support/bandwidth.ts';
import { reference, requireReference } from '../support/binaries.ts';
import { v4, v6 } from '../support/confs.ts';
import { linkNames, linkOf } from '../support/kernel.ts';
import { mustInside, tryInside } from '../support/process.ts';
import { type CallOptions, Rig } from '../support/rig.ts';
import { measureThroughput, type Way } from '../support/throughput.ts';

const isLimited = (rate: number) => rate > 15 * megabit && rate < 25 * megabit;

/**
 * A receiver that a busy machine lets wait counts what has piled up meanwhile, or too little of what could have come: what
 * is out of bounds is measured once more. A limit that does not stand is out of bounds both times.
 */
async function measureLimited(way: Way): Promise<number> {
  const rate = await measureThroughput(way);
  return isLimited(rate) ? rate : measureThroughput(way);
}

describe('what a container', () => {
  test('sends and receives is limited, of both families, and it cannot lift that', async () => {
    await using rig = await Rig.create();
    const { container, chained } = await attach(rig);
    await rig.add(chained(), container);
    await tryInside(container, 'tc', 'qdisc', 'replace', 'dev', 'eth0', 'root', 'pfifo', 'limit', '1000');

    for (const address of [v4.first, v6.first])
      expect(await measureLimited({ from: rig.host, to: container, address })).toSatisfy(isLimited);
    for (const address of [v4.gateway, v6.gateway])
      expect(await measureLimited({ from: container, to: rig.host, address })).toSatisfy(isLimited);
  });

  test('sends is limited by the bridge’s own capability, and what it receives is not', async () => {
    await using rig = await Rig.create();
    const { egressRate, egressBurst } = limits;
    const bandwidth = { EgressRate: egressRate, EgressBurst: egressBurst, IngressRate: 0, IngressBurst: 0 };

    const { container } = await attach(rig, { runtimeConfig: { bandwidth } });

    const address = v4.gateway;
    expect(await measureLimited({ from: container, to: rig.host, address })).toSatisfy(isLimited);
    const free = await measureThroughput({ from: rig.host, to: container, address: v4.first });
    expect(free).toBeGreaterThan(100 * megabit);
  });
});

test('limits stand in the kernel as the reference’s do', async (context) => {
  requireReference(context, 'bridge', 'bandwidth', 'host-local');
  await using theirs = await Rig.create();
  await using ours = await Rig.create();

  const expected = await limitAndLook(theirs, reference('bandwidth'));
  const found = await limitAndLook(ours, {});

  expect(found).toEqual(expected);
});

/** What an ADD brings about, without names, MACs and MTUs. */
async function limitAndLook(rig: Rig, options: CallOptions): Promise<object> {
  const cniVersion = '1.0.0';
  const { container, chained, hostEnd } = await attach(rig, { cniVersion });
  const result = await rig.add(chained({ cniVersion, ...limits }), container, options);
  const device = deviceOf(result);
  const show = async (what: string, ...link: string[]) =>
    JSON.parse(await mustInside(rig.host, 'tc', '-j', what, 'show', 'dev', ...link));
  const { flags, mtu } = await linkOf(rig.host, device);
  const look = {
    interfaces: result.interfaces?.length,
    device: { flags, mtu },
    qdiscs: [await show('qdisc', hostEnd), await show('qdisc', device)],
    filters: withFirstAction(await show('filter', hostEnd, 'ingress')),
  };
  return JSON.parse(JSON.stringify(look).replaceAll(device, 'device'));
}

type Filter = { readonly options?: { readonly actions?: readonly object[] } };

/** The reference gives its filter the same action twice, of which only the first comes to act. */
function withFirstAction(filters: readonly Filter[]): readonly Filter[] {
  return filters.map(({ options, ...filter }) => ({
    ...filter,
    options: { ...options, actions: options?.actions?.slice(0, 1) ?? [] },
  }));
}

test('the result names the device at its end', async () => {
  await using rig = await Rig.create();
  const { container, attached, chained } = await attach(rig);

  const result = await rig.add(chained(), container);

  const { address, ifalias } = await linkOf(rig.host, deviceOf(result));
  expect(result.interfaces).toEqual([
    ...(attached.interfaces ?? []),
    { name: expect.stringMatching(/^ifb[0-9a-f]{12}$/), mac: address },
  ]);
  expect(ifalias).toBe(`fairlead/net/${container}/eth0`);
});

describe('DEL', () => {
  test('leaves nothing, and succeeds twice', async () => {
    await using rig = await Rig.create();
    const { container, chained, hostEnd } = await attach(rig);
    await rig.add(chained(), container);

    await rig.del(chained(), container);
    await rig.del(chained(), container);

    expect(await linkNames(rig.host)).toEqual(['br0', hostEnd]);
  });

  test('cleans without namespace, previous result and limits', async () => {
    await using rig = await Rig.create();
    const { container, chained } = await attach(rig);
    await rig.add(chained(), container);
    await rig.remove(container);

    const conf = { cniVersion: '1.1.0', name: 'net', type: 'bandwidth' };
    await rig.del(conf, container, { env: { CNI_NETNS: undefined } });

    expect(await linkNames(rig.host)).not.toContainEqual(expect.stringMatching(/^ifb/));
  });

  test('of one of two containers leaves the other limited', async () => {
    await using rig = await Rig.create();
    const one = await attach(rig);
    const other = await attach(rig);
    await rig.add(one.chained(), one.container);
    const prevResult = await rig.add(other.chained(), other.container);

    await rig.del(one.chained(), one.container);

    const { stdout } = await rig.cni('CHECK', other.chained({ ...limits, prevResult }), other.container);
    expect(stdout).toBe('');
  });
});

test('GC removes the devices of attachments that are not valid', async () => {
  await using rig = await Rig.create();
  const stale = await attach(rig);
  const valid = await attach(rig);
  await rig.add(stale.chained(), stale.container);
  const device = deviceOf(await rig.add(valid.chained(), valid.container));
  const attachments = [{ containerID: valid.container, ifname: 'eth0' }];

  const conf = { cniVersion: '1.1.0', name: 'net', type: 'bandwidth' };
  await rig.cni('GC', { ...conf, 'cni.dev/valid-attachments': attachments }, valid.container);

  expect((await linkNames(rig.host)).filter((name) => name.startsWith('ifb'))).toEqual([device]);
});

test('an ADD that fails half-way leaves nothing of its own, and what it found', async () => {
  await using rig = await Rig.create();
  const { container, chained, hostEnd } = await attach(rig);
  await mustInside(rig.host, 'tc', 'qdisc', 'add', 'dev', hostEnd, 'handle', 'ffff:', 'ingress');

  const { error } = await rig.cni('ADD', chained(), container);

  expect(error?.msg).toContain(`making room for a limit on what ${hostEnd} receives`);
  expect(await linkNames(rig.host)).toEqual(['br0', hostEnd]);
  const left = await mustInside(rig.host, 'tc', 'qdisc', 'show', 'dev', hostEnd);
  expect(left).toContain('ingress ffff:');
  expect(left).not.toContain('tbf');
});

test('a limit without burst is refused before anything is done', async () => {
  await using rig = await Rig.create();
  const { container, chained, hostEnd } = await attach(rig);

  const { error } = await rig.cni('ADD', chained({ ingressRate: megabit }), container);

  expect(error).toMatchObject({ code: 7, msg: expect.stringContaining('ingressRate: needs ingressBurst') });
  expect(await linkNames(rig.host)).toEqual(['br0', hostEnd]);
});
