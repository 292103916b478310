import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Line } from '../../lib/doctor/examine.ts';
import { dualConf } from '../support/confs.ts';
import { lineOf, runDoctor } from '../support/doctor.ts';
import { removeRecords } from '../support/foreign-firewall.ts';
import { mustInside, tryInside } from '../support/process.ts';
import { type Conf, Rig } from '../support/rig.ts';
import { addOutside, type Outside, sourceSeenBy, startSourceServer } from '../support/traffic.ts';

type Variant = 'nft' | 'legacy';

/** A host whose iptables drop what is forwarded, with another one outside that its default route leads to. */
async function dropForwarded(rig: Rig, variant: Variant): Promise<Outside> {
  const outside = await addOutside(rig);
  await mustInside(rig.host, 'ip', 'route', 'add', 'default', 'via', outside.v4);
  for (const program of ['iptables', 'ip6tables'])
    await mustInside(rig.host, `${program}-${variant}`, '-P', 'FORWARD', 'DROP');
  return outside;
}

function confOf(rig: Rig): Conf {
  return dualConf(rig, { ipMasq: true });
}

/** Attaches a container by bridge with the plugin firewall behind it. */
async function attach(rig: Rig): Promise<string> {
  const container = await rig.container();
  const prevResult = await rig.add(confOf(rig), container);
  await rig.add(firewallConf(rig, prevResult), container);
  return container;
}

function firewallConf(rig: Rig, prevResult: object): Conf {
  return { cniVersion: '1.1.0', name: confOf(rig).name ?? 'net', type: 'firewall', prevResult };
}

/** The lines of doctor about firewalls of others. */
async function forwardLines(rig: Rig): Promise<readonly Line[]> {
  const config = `${rig.dir}/doctor.json`;
  writeFileSync(config, JSON.stringify({ api: { listen: ['none'] } }));
  const { stdout } = await runDoctor(rig, { args: ['--json', '--config', config] });
  const lines: readonly Line[] = JSON.parse(stdout);
  return lines.filter(({ id }) => id === 'forward-drop');
}

/** Of IPv4: that of the other family says the same of ip6tables. */
async function troubleOf(rig: Rig, found: RegExp): Promise<{ state: string; found: string; remedy: string }> {
  const line = lineOf({ lines: await forwardLines(rig) }, 'forward-drop', found);
  return { remedy: '', ...line };
}

async function reaches(outside: Outside, container: string): Promise<boolean> {
  return sourceSeenBy(outside.v4, container).then(
    () => true,
    () => false,
  );
}

const titles = { nft: 'chain FORWARD of table ip filter', legacy: 'chain FORWARD of iptables-legacy' };

test.each(['nft', 'legacy'] as const)(
  'doctor is content where our chain of iptables-%s lets containers through, and says what to do where nobody leads to it',
  async (variant) => {
    await using rig = await Rig.create();
    using _ = removeRecords(rig);
    const outside = await dropForwarded(rig, variant);
    await using _server = await startSourceServer(outside.netns);
    const container = await attach(rig);
    expect(await forwardLines(rig)).toMatchObject([{ state: 'ok' }]);
    expect(await reaches(outside, container)).toBe(true);

    await mustInside(rig.host, `iptables-${variant}`, '-D', 'FORWARD', '-j', 'FAIRLEAD-FORWARD');

    const missing = await troubleOf(rig, /none of its rules leads to FAIRLEAD-FORWARD/);
    expect(missing.state).toBe('problem');
    expect(missing.found).toContain(`${titles[variant]} drops what goes from br0 to up0`);
    expect(missing.remedy).toMatch(/^ADD a container with the plugin "firewall" in the conflist/);
    expect(await reaches(outside, container)).toBe(false);
    await typed(rig, missing.remedy, variant);
    expect(await forwardLines(rig)).toMatchObject([{ state: 'ok' }]);
    expect(await reaches(outside, container)).toBe(true);
  },
);

test('doctor sees a rule in front of our chain that drops everything, and the next ADD puts it right', async () => {
  await using rig = await Rig.create();
  using _ = removeRecords(rig);
  await dropForwarded(rig, 'nft');
  await attach(rig);
  await mustInside(rig.host, 'iptables-nft', '-I', 'FORWARD', '-j', 'REJECT');

  const late = await troubleOf(
    rig,
    /its rule 1 drops everything before another one leads to FAIRLEAD-FORWARD/,
  );
  expect(late.remedy).toContain('iptables -D FORWARD -j FAIRLEAD-FORWARD && iptables -I FORWARD 1 -j');
  await attach(rig);

  expect(await forwardLines(rig)).toMatchObject([{ state: 'ok' }]);
});

test('doctor warns of the containers that are without the plugin', async () => {
  await using rig = await Rig.create();
  using _ = removeRecords(rig);
  await dropForwarded(rig, 'nft');
  await attach(rig);
  const without = await rig.container();
  const prevResult = await rig.add(confOf(rig), without);

  const warned = await troubleOf(
    rig,
    /^chain FORWARD of table ip filter .*but for containers that the plugin/,
  );
  expect(warned.state).toBe('warning');
  await rig.add(firewallConf(rig, prevResult), without);

  expect(await forwardLines(rig)).toMatchObject([{ state: 'ok' }]);
});

test('without the plugin doctor names it as what helps', async () => {
  await using rig = await Rig.create();
  using _ = removeRecords(rig);
  await dropForwarded(rig, 'nft');
  await rig.add(confOf(rig), await rig.container());

  const lost = await troubleOf(rig, /^chain FORWARD of table ip filter drops what goes from br0 to up0/);

  expect(lost).toMatchObject({
    state: 'problem',
    remedy: expect.stringContaining('have the plugin "firewall"'),
  });
});

/** Does what a remedy says is to be typed; which kind of iptables bears the plain name is the machine's choice. */
async function typed(rig: Rig, remedy: string, variant: Variant): Promise<void> {
  const commandLine = (remedy.split('or type: ')[1] ?? '').replace(/^iptables(?!-)/, `iptables-${variant}`);
  const { status, stderr } = await tryInside(rig.host, 'sh', '-ec', commandLine);
  expect({ status, stderr }).toMatchObject({ status: 0 });
}
