import { describe, expect, test } from 'vitest';
import { reference, requireReference } from '../support/binaries.ts';
import { bridgeConf, v4 } from '../support/confs.ts';
import { linkOf, writeSysctl } from '../support/kernel.ts';
import { mustInside } from '../support/process.ts';
import { type Conf, Rig } from '../support/rig.ts';
import { canPing } from '../support/traffic.ts';

const conf = (changes: Conf = {}): Conf => ({
  cniVersion: '1.1.0',
  name: 'cni-loopback',
  type: 'loopback',
  ...changes,
});

const isUp = async (container: string) => (await linkOf(container, 'lo')).flags.includes('UP');

test('the answer is the reference’s', async (context) => {
  requireReference(context, 'loopback');
  await using rig = await Rig.create();
  const [one, other] = [await rig.container(), await rig.container()];
  const given = conf({ cniVersion: '1.0.0' });

  const expected = await rig.add(given, one, reference('loopback'));
  const found = await rig.add(given, other);

  expect(JSON.parse(JSON.stringify(found).replaceAll(other, one))).toEqual(expected);
});

// The reference answers in the shape of its latest version, whichever it is asked for.
test.each([
  ['0.1.0', { ip4: { ip: '127.0.0.1/8' }, ip6: { ip: '::1/128' } }],
  ['0.2.0', { ip4: { ip: '127.0.0.1/8' }, ip6: { ip: '::1/128' } }],
  ['0.3.1', { ips: [{ version: '4' }, { version: '6' }] }],
  ['0.4.0', { ips: [{ version: '4' }, { version: '6' }] }],
  ['1.1.0', { ips: [{ address: '127.0.0.1/8' }, { address: '::1/128' }] }],
])('the answer has the shape of the version asked for: %s', async (cniVersion, shape) => {
  await using rig = await Rig.create();
  const container = await rig.container();

  const result = await rig.add(conf({ cniVersion }), container);

  expect(result).toMatchObject({ cniVersion, ...shape });
});

describe('ADD', () => {
  test('sets the interface up, whatever CNI_IFNAME says, and does so twice', async () => {
    await using rig = await Rig.create();
    const container = await rig.container();

    const first = await rig.add(conf(), container, { ifName: 'eth7' });
    const second = await rig.add(conf(), container);

    expect(second).toEqual(first);
    expect(await canPing(container, '127.0.0.1')).toBe(true);
    expect(await canPing(container, '::1')).toBe(true);
  });

  test('leaves IPv6 out where the container has none', async () => {
    await using rig = await Rig.create();
    const container = await rig.container();
    await writeSysctl(container, 'ipv6/conf/all/disable_ipv6', '1');

    const { ips } = await rig.add(conf(), container);

    expect(ips).toEqual([{ address: '127.0.0.1/8', interface: 0 }]);
    expect(await rig.add(conf(), container)).toMatchObject({ ips });
  });

  test('refuses an address that others could reach', async () => {
    await using rig = await Rig.create();
    const container = await rig.container();
    await mustInside(container, 'ip', 'addr', 'add', '10.0.0.1/32', 'dev', 'lo');

    const { error } = await rig.cni('ADD', conf(), container);

    expect(error?.msg).toContain('10.0.0.1/32, which is no loopback address');
  });

  test('passes on what a plugin before it has answered, and CHECK accepts it', async () => {
    await using rig = await Rig.create();
    const container = await rig.container();
    const attached = await rig.add(bridgeConf(rig), container);

    const result = await rig.add(conf({ prevResult: attached }), container);

    expect(result).toEqual(attached);
    expect((await rig.cni('CHECK', conf({ prevResult: attached }), container)).status).toBe(0);
    expect(await canPing(container, v4.gateway)).toBe(true);
  });

  test('is refused without a namespace', async () => {
    await using rig = await Rig.create();

    const { error } = await rig.cni('ADD', conf(), 'nobody');

    expect(error?.code).toBe(4);
  });
});

test('CHECK sees that the interface is down', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  await rig.add(conf(), container);
  expect((await rig.cni('CHECK', conf(), container)).status).toBe(0);

  await mustInside(container, 'ip', 'link', 'set', 'dev', 'lo', 'down');

  expect((await rig.cni('CHECK', conf(), container)).error?.msg).toContain('is down');
});

describe('DEL', () => {
  test('sets the interface down, and succeeds twice', async () => {
    await using rig = await Rig.create();
    const container = await rig.container();
    await rig.add(conf(), container);
    expect(await isUp(container)).toBe(true);

    await rig.del(conf(), container);
    await rig.del(conf(), container);

    expect(await isUp(container)).toBe(false);
  });

  test.each([
    ['unset', undefined],
    ['gone', '/run/netns/fl-nobody'],
    ['no namespace', '/etc/hostname'],
  ])('succeeds where CNI_NETNS is %s', async (_, netns) => {
    await using rig = await Rig.create();

    await rig.del(conf(), 'nobody', { env: { CNI_NETNS: netns } });
  });
});

test('GC and STATUS succeed', async () => {
  await using rig = await Rig.create();

  for (const verb of ['GC', 'STATUS'] as const)
    expect(await rig.cni(verb, conf(), 'nobody')).toMatchObject({ status: 0, stdout: '' });
});
