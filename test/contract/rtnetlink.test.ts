import { expect, test } from 'vitest';
import { renderIp } from '../../lib/iproute/render.ts';
import { everyLinkOperation } from '../support/every-link-operation.ts';
import { mustInside, run } from '../support/process.ts';
import { Random } from '../support/random.ts';
import { Rig } from '../support/rig.ts';
import { requirePrograms } from '../support/skip.ts';
import { messagesOfIp } from '../support/strace.ts';

// Two ways to change links, one contract: `ip`, and the messages that spare its process.

type Reports = {
  readonly reports: readonly {
    kinds: readonly string[];
    failure: unknown;
    host: unknown;
    container: unknown;
  }[];
  readonly done: number;
};

/** In a process of its own: a thread of the tests must not leave its namespace. */
async function work(program: string, netns: string, ...args: readonly string[]): Promise<string> {
  const call = [process.execPath, '--no-warnings', `${import.meta.dirname}/../support/${program}`, ...args];
  const { status, stdout, stderr } = await run({
    file: 'ip',
    args: ['netns', 'exec', netns, ...call],
    timeoutMs: 120_000,
  });
  if (status !== 0) throw new Error(`${program}: ${status} ${stderr}`);
  return stdout;
}

/** A host and a container in which no address comes by itself. */
async function createRig(): Promise<{ rig: Rig; container: string }> {
  const rig = await Rig.create();
  const container = await rig.container();
  for (const netns of [rig.host, container]) {
    await mustInside(netns, 'sysctl', '-qw', 'net.ipv6.conf.default.addr_gen_mode=1');
    await mustInside(netns, 'sysctl', '-qw', 'net.ipv6.conf.default.accept_dad=0');
  }
  return { rig, container };
}

async function workBy(way: 'ip' | 'netlink', { seed, rounds }: Extent): Promise<Reports> {
  const { rig, container } = await createRig();
  await using _ = rig;
  const path = `/run/netns/${container}`;
  const text = await work('link-work.ts', rig.host, `${seed}`, `${rounds}`, way, path);
  return JSON.parse(text.replaceAll(path, '/run/netns/container')) as Reports;
}

type Extent = { readonly seed: number; readonly rounds: number };

test('random batches leave the same in the kernel, and fail with the same words', {
  timeout: 240_000,
}, async () => {
  const extent = { seed: new Random().seed, rounds: process.env.SOAK === '1' ? 100 : 6 };
  const [byTool, byMessage] = await Promise.all([workBy('ip', extent), workBy('netlink', extent)]);

  byMessage.reports.forEach((report, index) => {
    expect(report, `seed ${extent.seed}, batch ${index}`).toEqual(byTool.reports[index]);
  });
  expect(byMessage.done).toBeGreaterThan(10 * extent.rounds);
  expect(byMessage.reports.some(({ failure }) => failure !== undefined)).toBe(true);
});

test('each message is, byte for byte, the one that ip sends for the line', async (context) => {
  await requirePrograms(context, 'strace');
  await using rig = await Rig.create();
  await mustInside(rig.host, 'ip', 'link', 'add', 'name', 'br0', 'type', 'bridge');
  await mustInside(rig.host, 'ip', 'link', 'add', 'name', 'v0', 'type', 'veth', 'peer', 'name', 'p0');

  const ours = (await work('link-messages.ts', rig.host)).trimEnd().split('\n');
  const lines = everyLinkOperation.map(renderIp);
  const sent = await messagesOfIp(rig.host, lines);

  expect(ours.map((message, index) => [lines[index], message])).toEqual(
    lines.map((line, index) => [line, sent[index]]),
  );
});

test('what ip says of the first line that fails is the same where others were done before it', async () => {
  const extent = { seed: 1, rounds: 0 };
  const [byTool, byMessage] = await Promise.all([workBy('ip', extent), workBy('netlink', extent)]);

  expect(byMessage.reports).toEqual(byTool.reports);
  expect(byMessage.reports[0]?.failure).toMatchObject({
    message: expect.stringContaining('giving v0 the MTU 20: mtu less than device minimum.'),
    facts: { line: 3 },
  });
  expect([byTool.done, byMessage.done]).toEqual([0, 3]);
});

test('removals close their sockets, asked for their end or not', { timeout: 120_000 }, async () => {
  await using rig = await Rig.create();

  const tally = JSON.parse(await work('link-removals.ts', rig.host, '50'));

  expect(tally).toMatchObject({ made: 2004, refused: 0, ended: 1002 });
  expect(tally.after).toBe(tally.before);
});

test('a port that was waited for forwards; one whose peer is down is not waited for forever', async () => {
  await using rig = await Rig.create();
  await mustInside(rig.host, 'ip', 'link', 'add', 'name', 'br0', 'up', 'type', 'bridge');

  const states = JSON.parse(await work('link-running.ts', rig.host, '30'));

  // 3 is BR_STATE_FORWARDING, 0 is BR_STATE_DISABLED.
  expect(states).toEqual([...Array.from({ length: 30 }, () => 'true 3'), 'false 0']);
});
