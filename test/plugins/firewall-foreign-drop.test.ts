import { describe, expect, test } from 'vitest';
import { dualConf, v4, v6 } from '../support/confs.ts';
import { attach, chained, doors, nameOf, publish, reaches, reachesEach } from '../support/firewall.ts';
import { readSysctl, writeSysctl } from '../support/kernel.ts';
import { afterMounting } from '../support/own-mounts.ts';
import { mustInside } from '../support/process.ts';
import { type CallOptions, Rig, type Verb } from '../support/rig.ts';
import { shadowTools } from '../support/shadow.ts';
import { skipUnless } from '../support/skip.ts';
import { addOutside, startSourceServer } from '../support/traffic.ts';

const yes = [true, true];
const no = [false, false];

/** Our executable where nobody finds iptables; an empty file is no program. */
function withoutIptables(rig: Rig): CallOptions {
  const hide = 'for program in /usr/sbin/*tables*restore; do mount --bind /dev/null "$program"; done';
  return afterMounting(rig, 'firewall', hide);
}

/** Has the host drop what is forwarded, as Docker does. */
async function dropForwarded(rig: Rig, variant: 'nft' | 'legacy' = 'nft'): Promise<void> {
  for (const program of ['iptables', 'ip6tables']) {
    await mustInside(rig.host, `${program}-${variant}`, '-P', 'FORWARD', 'DROP');
  }
}

async function forwardRules(rig: Rig, program = 'iptables-nft'): Promise<readonly string[]> {
  const text = await mustInside(rig.host, program, '-S', 'FORWARD');
  return text.trim().split('\n').slice(1);
}

const jump = '-A FORWARD -j FAIRLEAD-FORWARD';

describe('where another firewall drops what is forwarded', () => {
  test.each(doors.flatMap((door) => (['nft', 'legacy'] as const).map((variant) => ({ door, variant }))))(
    'by iptables-$variant, $door: nothing passes without, and what is the container’s passes with it',
    async (context) => {
      const { door, variant } = context;
      await using rig = await Rig.create();
      const outside = await addOutside(rig);
      await using _server = await startSourceServer(outside.netns);
      await dropForwarded(rig, variant);
      const container = await rig.container();
      const without = await rig.add(dualConf(rig), container);
      expect(await reachesEach(container, [outside.v4, outside.v6])).toEqual(no);

      const fields = { ingressPolicy: 'open' };
      const attached = await attach(rig, door, dualConf(rig), fields);

      expect(await reachesEach(nameOf(attached), [outside.v4, outside.v6])).toEqual(yes);
      await using _own = await startSourceServer(nameOf(attached));
      expect(await reachesEach(outside.netns, attached.ip), 'what begins outside').toEqual(no);
      await publish(rig, attached.ip[0] ?? '');
      expect(await reaches(outside.netns, '203.0.113.1', 9090), 'a published port').toBe(true);
      expect(await reachesEach(nameOf(without), [outside.v4]), 'who has not asked for it').toEqual([false]);
    },
  );

  test('containers of one bridge reach each other, with br_netfilter as well', async (context) => {
    await using rig = await Rig.create();
    const setting = 'bridge/bridge-nf-call-iptables';
    skipUnless(context, (await readSysctl(rig.host, setting)) !== undefined, 'br_netfilter is not loaded');
    await writeSysctl(rig.host, setting, '1');
    await dropForwarded(rig);
    const without = [
      await attach(rig, 'own', dualConf(rig), {}),
      await attach(rig, 'own', dualConf(rig), {}),
    ];
    const attached = await attach(rig, 'chained', dualConf(rig), {});
    const [one, two] = without;
    await using _server = await startSourceServer(nameOf(two ?? attached));

    expect(await reaches(nameOf(attached), two?.ip[0] ?? '')).toBe(true);
    expect(await reaches(nameOf(one ?? attached), two?.ip[0] ?? ''), 'who has not asked for it').toBe(false);
  });

  test('DEL closes it for the container alone, and the chain stays', async () => {
    await using rig = await Rig.create();
    const outside = await addOutside(rig);
    await using _server = await startSourceServer(outside.netns);
    await dropForwarded(rig);
    const conf = dualConf(rig);
    const first = await attach(rig, 'chained', conf, {});
    const second = await attach(rig, 'chained', conf, {});

    await rig.del(chained(conf, first, {}), nameOf(first));

    expect(await reachesEach(nameOf(first), [outside.v4, outside.v6])).toEqual(no);
    expect(await reachesEach(nameOf(second), [outside.v4, outside.v6])).toEqual(yes);
    expect(await forwardRules(rig)).toEqual([jump]);
  });

  test('ten ADDs at once leave one rule there', async () => {
    await using rig = await Rig.create();
    await dropForwarded(rig);
    const conf = dualConf(rig);
    const containers = await rig.containers(10);
    const results = await Promise.all(containers.map((container) => rig.add(conf, container)));

    await Promise.all(results.map((result, at) => rig.add(chained(conf, result, {}), containers[at] ?? '')));

    expect(await forwardRules(rig)).toEqual([jump]);
    expect(await forwardRules(rig, 'ip6tables-nft')).toEqual([jump]);
  });

  test('what was taken away is put back by the next ADD, and CHECK sees it until then', async () => {
    await using rig = await Rig.create();
    await dropForwarded(rig);
    const conf = dualConf(rig);
    const first = await attach(rig, 'chained', conf, {});
    const check = () => rig.cni('CHECK', chained(conf, first, {}), nameOf(first));
    expect((await check()).status).toBe(0);

    await mustInside(rig.host, 'iptables-nft', '-F', 'FORWARD');
    expect((await check()).error?.msg).toContain('the chain FORWARD of iptables-nft drops');
    await attach(rig, 'chained', conf, {});

    expect(await forwardRules(rig)).toEqual([jump]);
    expect((await check()).status).toBe(0);
  });

  test('CHECK sees a container that was attached before anybody dropped', async () => {
    await using rig = await Rig.create();
    const conf = dualConf(rig);
    const first = await attach(rig, 'chained', conf, {});
    await dropForwarded(rig);
    await attach(rig, 'chained', conf, {});

    const { error } = await rig.cni('CHECK', chained(conf, first, {}), nameOf(first));

    expect(error?.msg).toContain('not among those that it is to let through');
  });

  test('what rules of others decide stays decided', async () => {
    await using rig = await Rig.create();
    const outside = await addOutside(rig);
    await using _server = await startSourceServer(outside.netns);
    const rules = [
      ['-d', `${outside.v4}/32`, '-p', 'tcp', '--dport', '8081', '-j', 'DROP'],
      ['-j', 'REJECT'],
    ];
    for (const rule of rules) await mustInside(rig.host, 'iptables-nft', '-A', 'FORWARD', ...rule);

    const attached = await attach(rig, 'chained', dualConf(rig), {});

    expect(await reaches(nameOf(attached), outside.v4)).toBe(true);
    expect((await forwardRules(rig)).map((rule) => rule.replace(/.*-j /, ''))).toEqual([
      'DROP',
      'FAIRLEAD-FORWARD',
      'REJECT --reject-with icmp-port-unreachable',
    ]);
  });

  test('without iptables ADD says what drops, and what to do', async () => {
    await using rig = await Rig.create();
    await dropForwarded(rig);
    const conf = dualConf(rig);
    const container = await rig.container();
    const result = await rig.add(conf, container);

    const { error } = await rig.cni('ADD', chained(conf, result, {}), container, withoutIptables(rig));

    expect(error).toMatchObject({
      code: 999,
      msg: expect.stringContaining(
        "the chain FORWARD of iptables-nft drops containers' traffic by its policy, and could not be told to let it through: install iptables",
      ),
    });
    expect(
      await mustInside(rig.host, 'nft', 'list', 'set', 'inet', 'fairlead_firewall', 'admitted4'),
    ).not.toContain('br0');
  });
});

test('where nobody drops, nothing is written', async () => {
  await using rig = await Rig.create();
  const conf = dualConf(rig);
  const container = await rig.container();
  const result = await rig.add(conf, container);
  const before = await mustInside(rig.host, 'nft', 'list', 'ruleset');

  await rig.add(chained(conf, result, {}), container);

  expect(await mustInside(rig.host, 'nft', 'list', 'ruleset')).toBe(before);
});

test('ADD and CHECK have nft list the chain only where there is one', async () => {
  await using rig = await Rig.create();
  const shadow = shadowTools(rig);
  const conf = dualConf(rig);
  const container = await rig.container();
  const result = await rig.add(conf, container);
  const listed = async (verb: Verb) => {
    shadow.failAt(0, 'before');
    const { status } = await rig.cni(verb, chained(conf, result, {}), container, { env: shadow.env });
    const lists = shadow.calls().flatMap(({ args }) => (args.includes('FORWARD') ? [args] : []));
    return { status, lists };
  };
  const listing = (family: string) => `-j -t list chain ${family} filter FORWARD`;

  expect(await listed('ADD'), 'no table').toEqual({ status: 0, lists: [] });
  await mustInside(rig.host, 'nft', 'add table ip filter; add chain ip filter INPUT');
  expect(await listed('ADD'), 'no such chain').toEqual({ status: 0, lists: [] });
  expect(await listed('CHECK')).toEqual({ status: 0, lists: [] });
  await mustInside(rig.host, 'nft', 'add table ip6 filter; add chain ip6 filter FORWARD');
  expect(await listed('ADD'), 'of one family').toEqual({ status: 0, lists: [listing('ip6')] });
  expect(await listed('CHECK')).toEqual({ status: 0, lists: [listing('ip6')] });
});

test('a container of a subnet that another network has, too, is let through by its own bridge only', async () => {
  await using rig = await Rig.create();
  await dropForwarded(rig);
  const same = dualConf(rig, { name: 'same', bridge: 'br1' });
  const first = await attach(rig, 'chained', dualConf(rig), {});
  const second = await attach(rig, 'chained', same, {});
  expect(first.ip).toEqual([v4.first, v6.first]);
  expect(second.ip).toEqual(first.ip);

  await rig.del(chained(dualConf(rig), first, {}), nameOf(first));

  const elements = await mustInside(rig.host, 'nft', 'list', 'set', 'inet', 'fairlead_firewall', 'admitted4');
  expect(elements).toContain('"br1"');
  expect(elements).not.toContain('"br0"');
});
