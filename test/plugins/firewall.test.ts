import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { dualConf, ipamConf, ipsOf, v4 } from '../support/confs.ts';
import { attach, chained, doors, nameOf, publish, reaches, reachesEach } from '../support/firewall.ts';
import { readSysctl, writeSysctl } from '../support/kernel.ts';
import { mustInside } from '../support/process.ts';
import { referenceReleases } from '../support/reference-plugins.ts';
import { type CallOptions, type CniResult, type Conf, Rig } from '../support/rig.ts';
import { skipUnless } from '../support/skip.ts';
import { addOutside, type Outside, startSourceServer } from '../support/traffic.ts';

/** The other network, on a bridge of its own. */
function otherConf(rig: Rig): Conf {
  const ipam = ipamConf(rig, [[{ subnet: '10.33.0.0/24' }], [{ subnet: 'fd00:33::/64' }]]);
  return dualConf(rig, { name: 'other', bridge: 'br1', ipam });
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
      const netns = nameOf(result);
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
    const [near, far, out, back] = await Promise.all([
      reachesEach(one.netns, two.ip),
      reachesEach(one.netns, other.ip),
      reachesEach(one.netns, [outside.v4, outside.v6]),
      reachesEach(outside.netns, one.ip),
    ]);
    return {
      'one to two, of its bridge': near,
      'one to other, of another bridge': far,
      'one to outside': out,
      'outside to one': back,
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
    '%s: what is routed passes where it does with the reference',
    async (ingressPolicy, context) => {
      const { dir } = referenceReleases.newest;
      skipUnless(context, existsSync(`${dir}/firewall`), `the reference has no firewall in ${dir}`);
      await using theirs = await Rig.create();
      await using ours = await Rig.create();
      // Until the host has looked for duplicates of its addresses on a link of the reference's, it resolves nobody there.
      await writeSysctl(theirs.host, 'ipv6/conf/default/accept_dad', '0');

      const found = await reachedWith(ours, (conf) => attach(ours, 'chained', conf, { ingressPolicy }));
      const expected = await reachedWith(theirs, (conf) => attachByReference(theirs, conf, ingressPolicy));

      expect(found).toEqual(expected);
    },
  );
});

/** What only crosses a bridge the reference sees where br_netfilter is loaded; what is routed it decides as we do. */
async function reachedWith(rig: Rig, add: (conf: Conf) => Promise<CniResult>): Promise<object> {
  await using scene = await Scene.create(rig, add);
  const { 'one to two, of its bridge': _, ...routed } = await scene.reached();
  return routed;
}

async function attachByReference(rig: Rig, conf: Conf, ingressPolicy: string): Promise<CniResult> {
  const { dir } = referenceReleases.newest;
  const options = (type: string): CallOptions => ({ binary: `${dir}/${type}`, env: { CNI_PATH: dir } });
  const container = await rig.container();
  const result = await rig.add(conf, container, options('bridge'));
  const fields = { ingressPolicy, cniVersion: '1.0.0', backend: 'iptables' };
  await rig.add(chained(conf, result, fields), container, options('firewall'));
  return result;
}
