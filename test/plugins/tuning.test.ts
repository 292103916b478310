import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { reference, requireReference } from '../support/binaries.ts';
import { dualConf } from '../support/confs.ts';
import { linkOf, readSysctl } from '../support/kernel.ts';
import { afterMounting } from '../support/own-mounts.ts';
import { mustInside } from '../support/process.ts';
import { type CallOptions, type CniResult, type Conf, Rig } from '../support/rig.ts';

const settings = {
  mac: '02:11:22:33:44:55',
  mtu: 1300,
  promisc: true,
  allmulti: true,
  txQLen: 77,
};

const sysctl = { 'net.ipv4.conf.IFNAME.arp_filter': '1', 'net/core/somaxconn': 500 };

/** A container on a bridge, and the configuration of tuning that comes after. */
async function attached(
  rig: Rig,
  fields: object,
): Promise<{ container: string; conf: Conf; result: CniResult }> {
  const container = await rig.container();
  const result = await rig.add(dualConf(rig), container);
  return { container, conf: tuningConf(rig, result, fields), result };
}

function tuningConf(rig: Rig, prevResult: object, fields: object): Conf {
  const common = { cniVersion: '1.1.0', name: 'net', type: 'tuning' };
  return { ...common, dataDir: `${rig.dir}/tuning`, prevResult, ...fields };
}

/** How a container's interface is set, in the words of the configuration. */
async function stateOf(container: string) {
  const { address, mtu, flags } = await linkOf(container, 'eth0');
  const [link]: { txqlen: number }[] = JSON.parse(
    await mustInside(container, 'ip', '-j', 'link', 'show', 'dev', 'eth0'),
  );
  return {
    mac: address,
    mtu,
    promisc: flags.includes('PROMISC'),
    allmulti: flags.includes('ALLMULTI'),
    txQLen: link?.txqlen,
  };
}

function backups(rig: Rig): readonly string[] {
  return existsSync(`${rig.dir}/tuning`) ? readdirSync(`${rig.dir}/tuning`) : [];
}

describe('chained', () => {
  test('ADD sets all of it and says so, CHECK agrees, DEL puts it back', async () => {
    await using rig = await Rig.create();
    const { container, conf } = await attached(rig, { ...settings, sysctl });
    const before = await stateOf(container);

    const result = await rig.add(conf, container);

    expect(await stateOf(container)).toEqual(settings);
    expect(await readSysctl(container, 'ipv4/conf/eth0/arp_filter')).toBe('1');
    expect(await readSysctl(container, 'core/somaxconn')).toBe('500');
    expect(result.interfaces?.[2]).toMatchObject({ mac: settings.mac, mtu: settings.mtu });
    expect((await rig.cni('CHECK', { ...conf, prevResult: result }, container)).error).toBeUndefined();

    await rig.del(conf, container);
    await rig.del(conf, container);

    expect(await stateOf(container)).toEqual(before);
    expect(backups(rig)).toEqual([]);
  });

  test.each([
    ['mac', ['address', '02:00:00:00:00:99'], 'its MAC is 02:00:00:00:00:99'],
    ['mtu', ['mtu', '1400'], 'its MTU is 1400, not 1300'],
    ['promisc', ['promisc', 'off'], 'its promiscuous mode'],
    ['allmulti', ['allmulticast', 'off'], 'all multicast'],
    ['txQLen', ['txqueuelen', '78'], 'the length of its queue is 78, not 77'],
  ])('CHECK sees a changed %s', async (_, change, message) => {
    await using rig = await Rig.create();
    const { container, conf } = await attached(rig, settings);
    const result = await rig.add(conf, container);

    await mustInside(container, 'ip', 'link', 'set', 'dev', 'eth0', ...change);

    const { error } = await rig.cni('CHECK', { ...conf, prevResult: result }, container);
    expect(error).toMatchObject({ code: 999, msg: expect.stringContaining(message) });
  });

  test('CHECK sees a changed kernel setting', async () => {
    await using rig = await Rig.create();
    const { container, conf } = await attached(rig, { sysctl });
    await rig.add(conf, container);

    await mustInside(container, 'sh', '-c', 'echo 600 > /proc/sys/net/core/somaxconn');

    const { error } = await rig.cni('CHECK', conf, container);
    expect(error?.msg).toContain('net/core/somaxconn is 600, not 500');
  });

  test('an ADD that fails in the middle has changed nothing', async () => {
    await using rig = await Rig.create();
    const { container, conf } = await attached(rig, { ...settings, sysctl, mtu: 10 });
    const before = await stateOf(container);

    const { error } = await rig.cni('ADD', conf, container);

    expect(error?.msg).toContain('giving eth0 the MTU 10');
    expect(await stateOf(container)).toEqual(before);
    expect(await readSysctl(container, 'ipv4/conf/eth0/arp_filter')).toBe('0');
    expect(backups(rig)).toEqual([]);
  });

  test.each([
    ['the namespace', (rig: Rig, container: string) => rig.remove(container)],
    [
      'the interface',
      (_: Rig, container: string) => mustInside(container, 'ip', 'link', 'del', 'dev', 'eth0'),
    ],
  ])('DEL succeeds when %s has gone, and leaves no backup', async (_, end) => {
    await using rig = await Rig.create();
    const { container, conf } = await attached(rig, settings);
    await rig.add(conf, container);
    expect(backups(rig)).toEqual([`${container}_eth0.json`]);

    await end(rig, container);
    await rig.del(conf, container);

    expect(backups(rig)).toEqual([]);
  });

  test('DEL succeeds with a backup that was cut off', async () => {
    await using rig = await Rig.create();
    const { container, conf } = await attached(rig, settings);
    await rig.add(conf, container);
    writeFileSync(`${rig.dir}/tuning/${container}_eth0.json`, '{"mac":"02:');

    await rig.del(conf, container);

    expect(backups(rig)).toEqual([]);
  });

  test('GC removes the backups of its network that are not valid any more', async () => {
    await using rig = await Rig.create();
    const first = await attached(rig, settings);
    const second = await attached(rig, settings);
    for (const { conf, container } of [first, second]) await rig.add(conf, container);
    const foreign = `${rig.dir}/tuning/other_eth0.json`;
    writeFileSync(foreign, '{"mtu":1500}');

    const valid = { 'cni.dev/valid-attachments': [{ containerID: second.container, ifname: 'eth0' }] };
    const { status } = await rig.cni('GC', { ...first.conf, ...valid }, first.container);

    expect(status).toBe(0);
    expect(backups(rig)).toEqual([`${second.container}_eth0.json`, 'other_eth0.json'].sort());
  });

  test('the MAC may come by CNI_ARGS', async () => {
    await using rig = await Rig.create();
    const { container, conf } = await attached(rig, {});

    await rig.add(conf, container, { args: 'IgnoreUnknown=1;MAC=02:00:00:00:00:77' });

    expect((await stateOf(container)).mac).toBe('02:00:00:00:00:77');
  });

  test.each([
    ['net.ipv4.nosuch', 'net/ipv4/nosuch'],
    ['net/../kernel/domainname', 'net/../kernel/domainname'],
    ['kernel.domainname', 'kernel.domainname'],
  ])('%s is refused', async (name, told) => {
    await using rig = await Rig.create();
    const { container, conf } = await attached(rig, { sysctl: { [name]: '1' } });

    const { error } = await rig.cni('ADD', conf, container);

    expect(error?.msg).toContain(told);
  });

  test('what the allowlist does not have is refused before anything is changed', async () => {
    await using rig = await Rig.create();
    const { container, conf } = await attached(rig, { ...settings, sysctl });
    const before = await stateOf(container);
    const options = withAllowlist(rig, '^net\\.ipv4\\.conf\\.IFNAME\\.[a-z_]*$\n');

    const refused = await rig.cni('ADD', conf, container, options);
    const after = await stateOf(container);
    const allowed = { ...conf, sysctl: { 'net.ipv4.conf.IFNAME.arp_filter': '1' } };
    const accepted = await rig.cni('ADD', allowed, container, options);

    expect(refused.error).toMatchObject({
      code: 7,
      msg: expect.stringContaining('net/core/somaxconn is not allowed'),
    });
    expect(after).toEqual(before);
    expect(accepted.error).toBeUndefined();
  });
});

/** Our executable with an allowlist of its own. */
function withAllowlist(rig: Rig, text: string): CallOptions {
  mkdirSync(`${rig.dir}/etc/cni/tuning`, { recursive: true });
  writeFileSync(`${rig.dir}/etc/cni/tuning/allowlist.conf`, text);
  return afterMounting(rig, 'tuning', `mount -t overlay -o lowerdir=${rig.dir}/etc:/etc overlay /etc`);
}

describe('of either plugin’s ADD', () => {
  test.for([
    ['ours', 'the reference', (options: CallOptions) => ({ add: {}, del: options })],
    ['the reference', 'ours', (options: CallOptions) => ({ add: options, del: {} })],
  ] as const)('%s: DEL of %s puts back what was there', async ([, , choose], context) => {
    requireReference(context, 'tuning');
    const { add, del } = choose(reference('tuning'));
    await using rig = await Rig.create();
    // Debian's knows neither the version 1.1.0 nor txQLen.
    const { txQLen: _, ...known } = settings;
    const { container, conf } = await attached(rig, { ...known, cniVersion: '1.0.0' });
    const before = await stateOf(container);
    const old = { ...conf, prevResult: { ...Object(conf.prevResult), cniVersion: '1.0.0' } };

    await rig.add(old, container, add);
    expect((await stateOf(container)).mtu).toBe(settings.mtu);
    await rig.del(old, container, del);

    expect(await stateOf(container)).toEqual(before);
    expect(backups(rig)).toEqual([]);
  });
});

describe('of bridge’s own configuration', () => {
  test('settings stand after ADD, CHECK sees them changed, and nothing is to be put back', async () => {
    await using rig = await Rig.create();
    const container = await rig.container();
    const conf = dualConf(rig, { sysctl, promisc: true, allmulti: true, txQLen: 77 });

    const result = await rig.add(conf, container);

    expect(await stateOf(container)).toMatchObject({ promisc: true, allmulti: true, txQLen: 77, mtu: 1500 });
    expect(await readSysctl(container, 'ipv4/conf/eth0/arp_filter')).toBe('1');
    const check = { ...conf, prevResult: result };
    expect((await rig.cni('CHECK', check, container)).error).toBeUndefined();
    await mustInside(container, 'ip', 'link', 'set', 'dev', 'eth0', 'promisc', 'off');
    expect((await rig.cni('CHECK', check, container)).error?.msg).toContain('promiscuous mode');
    await rig.del(conf, container);
    expect(existsSync(`/run/cni/tuning/${container}_eth0.json`)).toBe(false);
  });

  test('a setting that the kernel refuses fails the ADD, and leaves no link', async () => {
    await using rig = await Rig.create();
    const container = await rig.container();

    const { error } = await rig.cni(
      'ADD',
      dualConf(rig, { sysctl: { 'net.ipv4.nosuch.thing': '1' } }),
      container,
    );

    expect(error?.msg).toContain('ipv4/nosuch/thing');
    expect(JSON.parse(await mustInside(container, 'ip', '-j', 'link', 'show')).length).toBe(1);
  });
});

test('the backup is readable by root alone', async () => {
  await using rig = await Rig.create();
  const { container, conf } = await attached(rig, { mtu: 1300 });

  await rig.add(conf, container);

  const path = `${rig.dir}/tuning/${container}_eth0.json`;
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ mtu: 1500, network: 'net' });
});
