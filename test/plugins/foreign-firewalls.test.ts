import { cpSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Agent } from '../support/agent.ts';
import { binDir } from '../support/binaries.ts';
import { dualConf, v4 } from '../support/confs.ts';
import { lineOf, type Report, runDoctor } from '../support/doctor.ts';
import { eventually } from '../support/eventually.ts';
import { fetchTimeoutMs, findFirewalld, startFirewalld } from '../support/firewalld.ts';
import { msUntil, ourRules, recordNames, recordsOf, removeRecords } from '../support/foreign-firewall.ts';
import { listElements } from '../support/kernel.ts';
import { inside, mustInside, startBeside, tryInside } from '../support/process.ts';
import { type Conf, Rig } from '../support/rig.ts';
import { skipUnless } from '../support/skip.ts';
import { addOutside, hostOutside, sourceSeenBy, startSourceServer } from '../support/traffic.ts';

const disturbances = {
  'all rules are flushed': 'nft flush ruleset',
  'a configuration that begins with a flush is loaded': `nft -f - <<'E'
flush ruleset
table inet filter { chain input { type filter hook input priority 0; policy accept; }; }
E`,
  'a table is deleted': 'nft delete table bridge fairlead',
  'a chain is emptied': 'nft flush chain bridge fairlead from_port',
  'a set is emptied': 'nft flush set bridge fairlead mac_allowed',
};

/** In which it is to be put right; two seconds of it are for a machine that has other work. */
const soonMs = 3_000;

function confOf(rig: Rig): Conf {
  return dualConf(rig, { ipMasq: true, macspoofchk: true });
}

test.for(Object.entries(disturbances))(
  'the agent puts everything back soon after %s, and says who it was',
  async ([, disturbance]) => {
    await using rig = await Rig.create();
    using _ = removeRecords(rig);
    await using agent = await Agent.start(rig);
    for (const container of await rig.containers(2)) await rig.add(confOf(rig), container);
    const before = await ourRules(rig);

    await mustInside(rig.host, 'bash', '-ec', disturbance);

    expect(await ourRules(rig)).not.toEqual(before);
    const tookMs = await msUntil(async () => String(await ourRules(rig)) === String(before));
    expect(tookMs).toBeLessThan(soonMs);
    await agent.logged('repaired by="removed by nft (process');
  },
);

test('traffic of containers leaves masqueraded again after a flush', async () => {
  await using rig = await Rig.create();
  using _ = removeRecords(rig);
  await using _agent = await Agent.start(rig);
  const outside = await addOutside(rig);
  const container = await rig.container();
  await rig.add(confOf(rig), container);
  await using _server = await startSourceServer(outside.netns);
  expect(await sourceSeenBy(outside.v4, container)).toBe(hostOutside.v4);

  await mustInside(rig.host, 'nft', 'flush', 'ruleset');
  expect(await sourceSeenBy(outside.v4, container)).toBe(v4.first);

  const isMasqueraded = async () => (await sourceSeenBy(outside.v4, container)) === hostOutside.v4;
  expect(await msUntil(isMasqueraded)).toBeLessThan(soonMs);
});

test('what iptables restores takes nothing of ours away', async () => {
  await using rig = await Rig.create();
  using _ = removeRecords(rig);
  await rig.add(confOf(rig), await rig.container());
  const before = await ourRules(rig);

  await mustInside(
    rig.host,
    'sh',
    '-ec',
    'iptables-nft -A INPUT -j ACCEPT; iptables-nft-save | iptables-nft-restore',
  );

  expect(await ourRules(rig)).toEqual(before);
});

test('containers that come and go while somebody flushes again and again are not disturbed, and leave nothing', async () => {
  await using rig = await Rig.create();
  using _ = removeRecords(rig);
  await using _agent = await Agent.start(rig);
  const stays = await rig.container();
  await rig.add(confOf(rig), stays);
  const alone = await ourRules(rig);
  const containers = await rig.containers(4);
  const ended = new AbortController();
  const flushing = flushUntil(rig, ended.signal);

  await Promise.all(containers.map((container) => comeAndGo(rig, container)));
  ended.abort();
  await flushing;

  await msUntil(async () => String(await ourRules(rig)) === String(alone));
  await sleep(1_000);
  expect(await ourRules(rig)).toEqual(alone);
  expect(recordNames(rig)).toHaveLength(1);
});

/** Takes only elements: an ADD under which its table goes may fail, agent or not. */
async function flushUntil(rig: Rig, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await mustInside(rig.host, 'nft', 'flush', 'set', 'bridge', 'fairlead', 'mac_allowed');
    await sleep(150);
  }
}

async function comeAndGo(rig: Rig, container: string): Promise<void> {
  for (let time = 0; time < 4; time++) {
    await rig.add(confOf(rig), container);
    await rig.del(confOf(rig), container);
  }
}

test('the rules of a container that has died without a DEL go, and its record', async () => {
  await using rig = await Rig.create();
  using _ = removeRecords(rig);
  const [dies, lives] = await rig.containers(2);
  await rig.add(confOf(rig), dies ?? '');
  await rig.add(confOf(rig), lives ?? '');
  const all = await listElements(rig.host);
  await rig.remove(dies ?? '');

  await using agent = await Agent.start(rig);

  await agent.logged('rules removed: their container is dead');
  expect(recordNames(rig)).toHaveLength(1);
  const left = await listElements(rig.host);
  expect(left.length).toBe(all.length / 2);
  expect(left.every((element) => element.includes(`/${lives}/`))).toBe(true);
});

test('an agent that is told not to leaves the rules as they are', async () => {
  await using rig = await Rig.create();
  using _ = removeRecords(rig);
  const config = `${rig.dir}/agent.json`;
  writeFileSync(config, JSON.stringify({ rules: false }));
  await using _agent = await Agent.start(rig, '--config', config);
  await rig.add(confOf(rig), await rig.container());

  await mustInside(rig.host, 'nft', 'flush', 'ruleset');
  await sleep(2_000);

  expect(await ourRules(rig)).toEqual([]);
});

test('an agent that may not change the network says so once and goes on', async () => {
  await using rig = await Rig.create();
  using _ = removeRecords(rig);
  await rig.add(confOf(rig), await rig.container());
  const flags = ['--store', rig.store, '--dns', 'none', '--api', 'none'];
  const by = ['setpriv', '--bounding-set', '-net_admin', '--inh-caps', '-net_admin'];

  const { stderr } = await tryInside(
    rig.host,
    'timeout',
    '4',
    ...by,
    `${binDir}/fairlead`,
    'agent',
    ...flags,
  );

  expect(stderr).toContain('serving');
  expect(stderr.match(/CAP_NET_ADMIN/g)).toHaveLength(1);
});

test('what keeps rules from being put back is a problem of the health, and is over when they are', async () => {
  await using rig = await Rig.create();
  using _ = removeRecords(rig);
  await using agent = await Agent.start(rig);
  await rig.add(confOf(rig), await rig.container());
  const before = await ourRules(rig);
  // The kernel refuses a set of another type under the same name.
  await mustInside(
    rig.host,
    'bash',
    '-ec',
    `nft -f - <<'E'
flush ruleset
table bridge fairlead { set mac_allowed { type ipv4_addr; }; }
E`,
  );

  const failing = await eventually('a problem', async () => {
    const { problems } = await healthOf(agent);
    return problems.find((problem) => problem.startsWith('rules of attachments: '));
  });
  await mustInside(rig.host, 'nft', 'delete', 'table', 'bridge', 'fairlead');

  expect(failing).toContain('nft');
  await msUntil(async () => String(await ourRules(rig)) === String(before));
  await msUntil(async () => (await healthOf(agent)).problems.length === 0);
  expect((await agent.curl('/metrics')).body).toMatch(/^fairlead_rules_repairs [1-9]/m);
});

async function healthOf(agent: Agent): Promise<{ readonly problems: readonly string[] }> {
  const { body } = await agent.curl('/healthz');
  return body as { readonly problems: readonly string[] };
}

test('without an agent CHECK says what is missing, and the next ADD writes what is common', async () => {
  await using rig = await Rig.create();
  using _ = removeRecords(rig);
  const [one, other] = await rig.containers(2);
  const prevResult = await rig.add(confOf(rig), one ?? '');
  await mustInside(rig.host, 'nft', 'flush', 'ruleset');

  const check = await rig.cni('CHECK', { ...confOf(rig), prevResult }, one ?? '');
  await rig.add(confOf(rig), other ?? '');

  expect(check.error?.msg).toMatch(/of nftables table \w+ fairlead is missing or altered; DEL and ADD/);
  const rules = await ourRules(rig);
  expect(rules.filter((rule) => rule.includes('masq_')).length).toBeGreaterThan(1);
  expect(rules.filter((rule) => rule.includes('"chain":"from_port"')).length).toBeGreaterThan(1);
  await rig.del(confOf(rig), one ?? '');
});

/** What doctor says of the rules, given the records of the host, a file of nftables' own and perhaps an agent's answer. */
async function doctorOf(rig: Rig, { prepare = '', config = {} } = {}): Promise<Report['lines']> {
  const file = `${rig.dir}/doctor.json`;
  writeFileSync(file, JSON.stringify({ api: { listen: ['none'] }, ...config }));
  // Its /run is empty but for what is kept for this host; and /etc is its own, so that a unit can be enabled.
  const directory = recordsOf(rig);
  cpSync(directory, `${rig.dir}/records`, { recursive: true });
  const records = `mkdir -p ${directory} && cp -r ${rig.dir}/records/. ${directory}`;
  const { stdout } = await runDoctor(rig, {
    args: ['--json', '--config', file],
    prepare: `${records}\n${prepare}`,
  });
  return JSON.parse(stdout);
}

const enableNftables = `
mkdir -p /run/etc /run/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/etc,workdir=/run/work /etc
mkdir -p /etc/systemd/system/sysinit.target.wants
ln -sf /lib/systemd/system/nftables.service /etc/systemd/system/sysinit.target.wants/nftables.service
printf '#!/usr/sbin/nft -f\\n\\nflush ruleset\\n' > /etc/nftables.conf
`;

test('doctor says what is missing, that nftables.service takes it away, and is content when it is back', async () => {
  await using rig = await Rig.create();
  using _ = removeRecords(rig);
  const container = await rig.container();
  // By the process the container is known to live where its namespace's path cannot be seen.
  await using _process = await startBeside(
    'nsenter',
    inside(container, 'sh', '-c', 'echo ready; exec sleep 60'),
  );
  await rig.add(confOf(rig), container);
  const well = await doctorOf(rig);
  await mustInside(rig.host, 'nft', 'flush', 'ruleset');

  const flushed = await doctorOf(rig, { prepare: enableNftables });

  expect(well.find(({ id }) => id === 'rules')).toMatchObject({ state: 'ok' });
  expect(lineOf({ lines: flushed }, 'rules', /missing or altered: .*of 1 of 1 attachments/)).toMatchObject({
    state: 'problem',
    found: expect.stringContaining('nftables.service loads /etc/nftables.conf'),
    remedy: expect.stringContaining('systemctl enable --now fairlead-agent'),
  });
  await using agent = await Agent.start(rig);
  await agent.logged('repaired');
  expect(lineOf({ lines: await doctorOf(rig) }, 'rules', /are there/)).toMatchObject({ state: 'ok' });
});

test('a real firewalld: its reload takes nothing away, doctor names it, and the remedy lets containers out', {
  timeout: 2 * fetchTimeoutMs,
}, async (context) => {
  const unpacked = await findFirewalld();
  skipUnless(context, unpacked !== undefined, 'this distribution has no packages of firewalld to unpack');
  await using rig = await Rig.create();
  using _ = removeRecords(rig);
  const outside = await addOutside(rig);
  await mustInside(rig.host, 'ip', 'route', 'add', 'default', 'via', outside.v4);
  await using firewalld = await startFirewalld(rig, unpacked ?? '');
  const container = await rig.container();
  await using _process = await startBeside(
    'nsenter',
    inside(container, 'sh', '-c', 'echo ready; exec sleep 60'),
  );
  await rig.add(confOf(rig), container);
  await using _server = await startSourceServer(outside.netns);
  const before = await ourRules(rig);

  await firewalld.sh('firewall-cmd --reload');
  const dropped = /of table inet firewalld drops what goes from br0 to up0/;
  const line = lineOf({ lines: await doctorOf(rig) }, 'forward-drop', dropped);
  const couldLeave = await canReach(outside.v4, container);
  await firewalld.sh('remedy' in line ? line.remedy : '');

  expect(await ourRules(rig)).toEqual(before);
  expect(couldLeave).toBe(false);
  expect(await sourceSeenBy(outside.v4, container)).toBe(hostOutside.v4);
});

async function canReach(to: string, from: string): Promise<boolean> {
  return sourceSeenBy(to, from).then(
    () => true,
    () => false,
  );
}
