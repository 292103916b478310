import { existsSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { binDir } from '../support/binaries.ts';
import { dualConf, ipamConf, ipsOf, v4, v6 } from '../support/confs.ts';
import { readSysctl, writeSysctl } from '../support/kernel.ts';
import { mustInside, tryInside } from '../support/process.ts';
import { referenceReleases } from '../support/reference-plugins.ts';
import { type CallOptions, type CniResult, type Conf, Rig } from '../support/rig.ts';
import { skipUnless } from '../support/skip.ts';
import { addOutside, type Outside, startSourceServer } from '../support/traffic.ts';

/** By which door the firewall is asked: by its executable after bridge, or by a field of bridge's own. */
type Door = 'chained' | 'own';

const doors: readonly Door[] = ['chained', 'own'];

/** Attaches a container. */
async function attach(
  rig: Rig,
  door: Door,
  conf: Conf,
  fields: object,
): Promise<CniResult & { ip: readonly string[] }> {
  const container = await rig.container();
  const attached = await rig.add(door === 'own' ? { ...conf, ...fields } : conf, container);
  const result = door === 'own' ? attached : await rig.add(chained(conf, attached, fields), container);
  return { ...result, ip: ipsOf(result) };
}

function chained(conf: Conf, prevResult: object, fields: object): Conf {
  return { cniVersion: '1.1.0', name: conf.name ?? 'net', type: 'firewall', prevResult, ...fields };
}

/** The other network, on a bridge of its own. */
function otherConf(rig: Rig): Conf {
  const ipam = ipamConf(rig, [[{ subnet: '10.33.0.0/24' }], [{ subnet: 'fd00:33::/64' }]]);
  return dualConf(rig, { name: 'other', bridge: 'br1', ipam });
}

const client = 'import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=1.5)';

/** Whether a TCP connection comes about. */
async function reaches(from: string, to: string, port = 8080): Promise<boolean> {
  return (await tryInside(from, '/usr/bin/python3', '-c', client, to, `${port}`)).status === 0;
}

/** Whether connections come about by each of the addresses. */
async function reachesEach(from: string, addresses: readonly string[]): Promise<readonly boolean[]> {
  return Promise.all(addresses.map((address) => reaches(from, address)));
}

/** Two containers of one bridge, one of another, and a machine outside; all of them serve. */
class Scene implements AsyncDisposable {
  readonly #servers: AsyncDisposable[] = [];
  readonly rig: Rig;
  readonly outside: Outside;
  one = { netns: '', ip: [] as readonly string[] };
  two = this.one;
  other = this.one;

  private constructor(rig: Rig, outside: Outside) {
    this.rig = rig;
    this.outside = outside;
  }

  static async create(rig: Rig, add: (conf: Conf) => Promise<CniResult>): Promise<Scene> {
    const scene = new Scene(rig, await addOutside(rig));
    const serving = async (conf: Conf) => {
      const result = await add(conf);
      const netns = result.interfaces?.at(-1)?.sandbox?.replace('/run/netns/', '') ?? '';
      scene.#servers.push(await startSourceServer(netns));
      return { netns, ip: ipsOf(result) };
    };
    scene.one = await serving(dualConf(rig));
    scene.two = await serving(dualConf(rig));
    scene.other = await serving(otherConf(rig));
    scene.#servers.push(await startSourceServer(scene.outside.netns));
    return scene;
  }

  /** Who reaches whom, by IPv4 and by IPv6. */
  async reached(): Promise<Readonly<Record<string, readonly boolean[]>>> {
    const { one, two, other, outside } = this;
    return {
      'one to two, of its bridge': await reachesEach(one.netns, two.ip),
      'one to other, of another bridge': await reachesEach(one.netns, other.ip),
      'one to outside': await reachesEach(one.netns, [outside.v4, outside.v6]),
      'outside to one': await reachesEach(outside.netns, one.ip),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) await server[Symbol.asyncDispose]();
  }
}

const yes = [true, true];
const no = [false, false];
const expected = {
  open: { two: yes, other: yes },
  'same-bridge': { two: yes, other: no },
  isolated: { two: no, other: no },
} as const;

const cases = doors.flatMap((door) =>
  (['open', 'same-bridge', 'isolated'] as const).map((policy) => ({ door, policy })),
);

describe('ingressPolicy', () => {
  test.each(cases)('$policy, $door: who reaches whom', async ({ door, policy }) => {
    await using rig = await Rig.create();
    await using scene = await Scene.create(rig, (conf) => attach(rig, door, conf, { ingressPolicy: policy }));

    expect(await scene.reached()).toEqual({
      'one to two, of its bridge': expected[policy].two,
      'one to other, of another bridge': expected[policy].other,
      'one to outside': yes,
      'outside to one': yes,
    });
  });

  test.for(['0', '1'])(
    'isolated: a published port is reached from everywhere, and not around it; br_netfilter %s',
    async (isOn, context) => {
      await using rig = await Rig.create();
      const setting = 'bridge/bridge-nf-call-iptables';
      const isLoaded = (await readSysctl(rig.host, setting)) !== undefined;
      skipUnless(context, isLoaded || isOn === '0', 'br_netfilter is not loaded');
      if (isLoaded) await writeSysctl(rig.host, setting, isOn);
      await using scene = await Scene.create(rig, (conf) =>
        attach(rig, 'own', conf, { ingressPolicy: 'isolated' }),
      );
      await publish(rig, scene.two.ip[0] ?? '');

      expect(await reaches(scene.one.netns, v4.gateway, 9090)).toBe(true);
      expect(await reaches(scene.other.netns, v4.gateway, 9090)).toBe(true);
      // Straight to the gateway's MAC: routed, not bridged.
      await mustInside(scene.one.netns, 'ip', 'route', 'add', `${scene.two.ip[0]}/32`, 'via', v4.gateway);
      expect(await reaches(scene.one.netns, scene.two.ip[0] ?? '')).toBe(false);
    },
  );

  test('isolated: DEL takes the port along, and a second DEL succeeds', async () => {
    await using rig = await Rig.create();
    const conf = dualConf(rig);
    const fields = { ingressPolicy: 'isolated' };
    const first = await attach(rig, 'chained', conf, fields);
    const second = await attach(rig, 'chained', conf, fields);
    const ports = () => mustInside(rig.host, 'nft', 'list', 'set', 'bridge', 'fairlead', 'isolated_ports');
    expect(await ports()).toContain(first.interfaces?.[1]?.name);

    await rig.del(chained(conf, first, fields), nameOf(first));
    await rig.del(chained(conf, first, fields), nameOf(first));

    expect(await ports()).not.toContain(first.interfaces?.[1]?.name);
    expect(await ports()).toContain(second.interfaces?.[1]?.name);
  });

  test('CHECK sees the policy removed', async () => {
    await using rig = await Rig.create();
    const attached = await attach(rig, 'chained', dualConf(rig), { ingressPolicy: 'same-bridge' });
    const conf = chained(dualConf(rig), attached, { ingressPolicy: 'same-bridge' });
    expect((await rig.cni('CHECK', conf, nameOf(attached))).status).toBe(0);

    await mustInside(rig.host, 'nft', 'flush', 'chain', 'inet', 'fairlead_firewall', 'ingress_policy');

    expect((await rig.cni('CHECK', conf, nameOf(attached))).error?.msg).toContain('ingress_policy');
  });

  test('what is no policy is refused, and isolated in a VLAN', async () => {
    await using rig = await Rig.create();
    const container = await rig.container();

    const unknown = await rig.cni('ADD', dualConf(rig, { ingressPolicy: 'closed' }), container);
    const vlan = await rig.cni('ADD', dualConf(rig, { ingressPolicy: 'isolated', vlan: 5 }), container);

    expect(unknown.error).toMatchObject({ code: 7, msg: expect.stringContaining('ingressPolicy') });
    expect(vlan.error).toMatchObject({ code: 7, msg: expect.stringContaining('VLAN') });
  });

  test.for(['same-bridge', 'isolated'])(
    '%s: the reference lets the same through',
    async (ingressPolicy, context) => {
      const { dir } = referenceReleases.newest;
      skipUnless(context, existsSync(`${dir}/firewall`), `the reference has no firewall in ${dir}`);
      await using rig = await Rig.create();
      const options = (type: string): CallOptions => ({ binary: `${dir}/${type}`, env: { CNI_PATH: dir } });
      await using scene = await Scene.create(rig, async (conf) => {
        const container = await rig.container();
        const result = await rig.add(conf, container, options('bridge'));
        const fields = { ingressPolicy, cniVersion: '1.0.0', backend: 'iptables' };
        await rig.add({ ...chained(conf, result, fields) }, container, options('firewall'));
        return result;
      });

      // What only crosses a bridge the reference sees where br_netfilter is loaded; what is routed it decides as we do.
      const { 'one to two, of its bridge': _, ...routed } = await scene.reached();
      expect(routed).toEqual({
        'one to other, of another bridge': no,
        'one to outside': yes,
        'outside to one': yes,
      });
    },
  );
});

function nameOf(result: CniResult): string {
  return result.interfaces?.at(-1)?.sandbox?.replace('/run/netns/', '') ?? '';
}

/** Leads port 9090 of the host to a container. */
async function publish(rig: Rig, to: string): Promise<void> {
  const chains = [
    'chain ip published pre { type nat hook prerouting priority dstnat; }',
    'chain ip published post { type nat hook postrouting priority srcnat; }',
    `rule ip published pre tcp dport 9090 dnat to ${to}:8080`,
    'rule ip published post ct status dnat masquerade',
  ];
  await mustInside(
    rig.host,
    'nft',
    ['add table ip published', ...chains.map((line) => `add ${line}`)].join('; '),
  );
}

/** Our executable in a mount namespace in which nobody finds iptables; an empty file is no program. */
async function withoutIptables(rig: Rig): Promise<CallOptions> {
  const script = `${rig.dir}/without-iptables`;
  writeFileSync(
    script,
    `#!/bin/sh
if [ "$1" != inside ]; then exec unshare --mount "$0" inside; fi
for program in /usr/sbin/*tables*restore; do mount --bind /dev/null "$program" || exit 1; done
exec ${binDir}/firewall
`,
    { mode: 0o755 },
  );
  return { binary: script };
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

    const { error } = await rig.cni('ADD', chained(conf, result, {}), container, await withoutIptables(rig));

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
