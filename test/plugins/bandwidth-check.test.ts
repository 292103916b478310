import { describe, expect, test } from 'vitest';
import { attach, deviceOf, hostEndOf, limits, megabit } from '../support/bandwidth.ts';
import { dualConf } from '../support/confs.ts';
import { linkNames } from '../support/kernel.ts';
import { mustInside } from '../support/process.ts';
import { Rig } from '../support/rig.ts';

describe('CHECK', () => {
  test.each([
    ['the bucket of what comes in', (hostEnd: string) => ['tc', 'qdisc', 'del', 'dev', hostEnd, 'root']],
    ['the way out', (hostEnd: string) => ['tc', 'qdisc', 'del', 'dev', hostEnd, 'ingress']],
    ['the filter', (hostEnd: string) => ['tc', 'filter', 'del', 'dev', hostEnd, 'ingress']],
    ['the bucket of what goes out', (_: string, ifb: string) => ['tc', 'qdisc', 'del', 'dev', ifb, 'root']],
    ['the device', (_: string, ifb: string) => ['ip', 'link', 'del', 'dev', ifb]],
    ['the device being up', (_: string, ifb: string) => ['ip', 'link', 'set', 'dev', ifb, 'down']],
  ])('sees that %s has gone', async (_, removal) => {
    await using rig = await Rig.create();
    const { container, chained, hostEnd } = await attach(rig);
    const prevResult = await rig.add(chained(), container);
    const conf = chained({ ...limits, prevResult });
    expect((await rig.cni('CHECK', conf, container)).stdout).toBe('');

    await mustInside(rig.host, ...removal(hostEnd, deviceOf(prevResult)));

    const { error } = await rig.cni('CHECK', conf, container);
    expect(error?.msg).toContain('is not in force');
  });

  test('sees another rate', async () => {
    await using rig = await Rig.create();
    const { container, chained } = await attach(rig);
    const prevResult = await rig.add(chained(), container);

    const { error } = await rig.cni(
      'CHECK',
      chained({ ...limits, ingressRate: 8000, prevResult }),
      container,
    );

    expect(error?.msg).toContain('another rate or burst');
  });

  test.each([
    ['the largest burst, as containerd asks for it', { ingressRate: megabit, ingressBurst: 2 ** 32 - 1 }],
    ['a slow rate', { egressRate: 8000, egressBurst: 8000 }],
    ['an odd rate', { egressRate: 1_234_567, egressBurst: 99_999 }],
    ['a fast rate', { ingressRate: 40_000 * megabit, ingressBurst: 8 * (2 ** 32 - 2) }],
  ])('passes for %s', async (_, fields) => {
    await using rig = await Rig.create();
    const { container, chained } = await attach(rig);
    const prevResult = await rig.add(chained(fields), container);

    const { status, stdout } = await rig.cni('CHECK', chained({ ...fields, prevResult }), container);

    expect([status, stdout]).toEqual([0, '']);
  });
});

test.each(['bridge', 'ptp'])('as a capability of %s, ADD, CHECK and DEL know the limits', async (type) => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const conf = dualConf(rig, { type, registry: false, runtimeConfig: { bandwidth: limits } });
  const prevResult = await rig.add(conf, container);
  const check = () => rig.cni('CHECK', { ...conf, prevResult }, container);
  expect(await check()).toMatchObject({ status: 0, stdout: '' });

  await mustInside(rig.host, 'tc', 'qdisc', 'del', 'dev', hostEndOf(prevResult), 'root');

  expect((await check()).error?.msg).toContain('is not in force');
  await rig.del({ ...conf, runtimeConfig: {} }, container);
  expect((await linkNames(rig.host)).filter((name) => name !== 'br0')).toEqual([]);
});
