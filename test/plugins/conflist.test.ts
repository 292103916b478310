import { copyFileSync, linkSync, mkdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { binDir, referenceDir, requireReference } from '../support/binaries.ts';
import { bridgeConf, v4 } from '../support/confs.ts';
import { linkNames, readSysctl } from '../support/kernel.ts';
import { leftovers, nothing } from '../support/leftovers.ts';
import { mustInside } from '../support/process.ts';
import { type CniResult, type Conf, Rig, type Verb } from '../support/rig.ts';
import { addOutside, hostOutside, sourceSeenBy, startSourceServer } from '../support/traffic.ts';

const ours = ['bridge', 'host-local'];
const theirs = ['portmap', 'firewall', 'tuning'];

/** One directory as CNI_PATH, with our plugins and the reference's. */
function installTogether(rig: Rig): string {
  const dir = `${rig.dir}/bin`;
  mkdirSync(dir);
  for (const name of ours) linkOrCopy(`${binDir}/${name}`, `${dir}/${name}`);
  for (const name of theirs) linkOrCopy(`${referenceDir}/${name}`, `${dir}/${name}`);
  return dir;
}

/** A hard link cannot lead to another file system. */
function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}

const portMappings = [{ hostPort: 18080, containerPort: 8080, protocol: 'tcp' }];

function listConf(rig: Rig, cniVersion: string): readonly Conf[] {
  const common = { cniVersion, name: 'net' };
  return [
    bridgeConf(rig, { cniVersion, ipMasq: true, macspoofchk: true }),
    { ...common, type: 'portmap', capabilities: { portMappings: true }, runtimeConfig: { portMappings } },
    { ...common, type: 'firewall' },
    { ...common, type: 'tuning', sysctl: { 'net.core.somaxconn': '500' } },
  ];
}

/** Runs the plugins of a list as libcni does: forwards, or for DEL backwards, each with the result before it. */
async function runList(rig: Rig, dir: string, { verb, plugins, container, before }: ListCall) {
  let prevResult = before;
  for (const plugin of verb === 'DEL' ? plugins.toReversed() : plugins) {
    const conf = prevResult === undefined ? plugin : { ...plugin, prevResult };
    const options = { binary: `${dir}/${plugin.type}`, env: { CNI_PATH: dir } };
    const answer = await rig.cni(verb, conf, container, options);
    if (answer.status !== 0) throw new Error(`${verb} of ${plugin.type}: ${answer.stdout}${answer.stderr}`);
    if (verb === 'ADD') prevResult = answer.result;
  }
  return prevResult;
}

type ListCall = {
  readonly verb: Verb;
  readonly plugins: readonly Conf[];
  readonly container: string;
  readonly before?: CniResult | undefined;
};

async function iptablesRules(rig: Rig): Promise<readonly string[]> {
  const text = await mustInside(rig.host, 'sh', '-c', 'iptables-save; ip6tables-save');
  return text.split('\n').filter((line) => line.startsWith('-A'));
}

test.for(['0.4.0', '1.0.0'])(
  'a list of our bridge with portmap, firewall and tuning of the reference works, and DEL leaves nothing (%s)',
  async (cniVersion, context) => {
    requireReference(context, ...theirs);
    await using rig = await Rig.create();
    const dir = installTogether(rig);
    const outside = await addOutside(rig);
    const container = await rig.container();
    const plugins = listConf(rig, cniVersion);

    const before = await runList(rig, dir, { verb: 'ADD', plugins, container });
    await using _server = await startSourceServer(container);
    await using _outsideServer = await startSourceServer(outside.netns);
    const mapped = await sourceSeenBy(hostOutside.v4, outside.netns, 18080);
    const masqueraded = await sourceSeenBy(outside.v4, container);
    const sysctl = await readSysctl(container, 'core/somaxconn');
    await runList(rig, dir, { verb: 'CHECK', plugins: plugins.slice(0, 1), container, before });
    const rules = await iptablesRules(rig);
    await runList(rig, dir, { verb: 'DEL', plugins, container, before });

    expect(before?.ips?.[0]?.address).toBe(`${v4.first}/24`);
    expect([mapped, masqueraded, sysctl]).toEqual([outside.v4, hostOutside.v4, '500']);
    expect(rules.join('\n')).toContain(v4.first);
    expect((await iptablesRules(rig)).filter((rule) => rule.includes(v4.first))).toEqual([]);
    const left = {
      ...(await leftovers(rig)),
      links: (await linkNames(rig.host)).filter((name) => name.startsWith('veth')),
    };
    expect(left).toEqual(nothing);
    expect(await linkNames(container)).toEqual([]);
  },
);

test('DEL of such a list without a namespace and without a previous result leaves nothing of ours', async (context) => {
  requireReference(context, ...theirs);
  await using rig = await Rig.create();
  const dir = installTogether(rig);
  const container = await rig.container();
  const plugins = listConf(rig, '0.4.0');
  await runList(rig, dir, { verb: 'ADD', plugins, container });
  await rig.remove(container);

  await runList(rig, dir, { verb: 'DEL', plugins: plugins.slice(0, 2), container });

  expect(await leftovers(rig)).toEqual(nothing);
});
