import { expect, test } from 'vitest';
import { ok, toTableCheck } from '../../../lib/doctor/check.ts';
import { checks } from '../../../lib/doctor/checks.ts';
import { examine } from '../../../lib/doctor/examine.ts';
import { createScene } from '../../../lib/doctor/scene.ts';
import type { Command } from '../../../lib/exec/command.ts';
import { scriptMachine } from '../../support/scripted-machine.ts';
import { cni0 } from './fixture.ts';

/** Files of the machine on which the tests run are not to count. */
const question = { subnetFile: '/nonexistent/subnet.env', config: '/nonexistent/agent.json', peers: [] };

const proc = { '/proc/sys/net/bridge/bridge-nf-call-iptables': '1' };

const answering = (answer: (command: Command) => object | undefined) =>
  createScene(question, scriptMachine({ answer, proc }));

test('each thing is looked at once, however many checks look at it', async () => {
  const machine = scriptMachine({ answer: () => ({ stdout: '[]' }) });
  const counting = toTableCheck({
    id: 'count',
    title: 'count',
    observe: (scene) => scene.links().length + scene.vxlans().length,
    judge: (count) => [ok(`${count}`)],
  });

  const lines = await examine([counting, counting], createScene(question, machine));

  expect(lines).toEqual([
    { id: 'count', title: 'count', state: 'ok', found: '0' },
    { id: 'count', title: 'count', state: 'ok', found: '0' },
  ]);
  expect(machine.log).toEqual(['host: ip -j -d addr show']);
});

test('what may not be seen is skipped, says why, and stops nothing else', async () => {
  const mac = { ifname: cni0.name, ifalias: cni0.alias, linkinfo: { info_kind: 'bridge' } };
  const bridge = JSON.stringify([{ ...mac, addr_info: [{ local: '10.5.1.1', prefixlen: 24 }] }]);
  const scene = answering(({ file }) => {
    if (file === 'nft') return { status: 1, stderr: 'Operation not permitted (you must be root)\n' };
    return { stdout: file === 'ip' ? bridge : '' };
  });

  const lines = await examine(checks, scene);

  expect(new Set(lines.map(({ id }) => id)).size).toBe(checks.length);
  expect(lines.find(({ id }) => id === 'forward-drop')).toMatchObject({
    state: 'skipped',
    found: expect.stringMatching(/nft -j list ruleset: Operation not permitted.*run it as root/),
  });
});

test('what a tool prints in another form than expected is skipped, too', async () => {
  const lines = await examine(
    checks,
    answering(() => ({ stdout: 'not JSON' })),
  );

  expect(lines.find(({ id }) => id === 'duplicates')).toMatchObject({
    state: 'skipped',
    found: expect.stringContaining('could not be looked at'),
  });
});

test('without ip nearly nothing can be seen, and the one problem is that', async () => {
  const scene = answering(() => ({ status: undefined, stderr: 'ip is not installed, or not in PATH' }));

  const lines = await examine(checks, scene);

  const problems = lines.filter(({ id, state }) => state === 'problem' && id !== 'agent');
  expect(new Set(problems.map(({ id, found }) => `${id}: ${found}`))).toEqual(
    new Set(['tools: ip is not installed, or not in PATH']),
  );
});
