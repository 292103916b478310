import { expect, test } from 'vitest';
import type { AgentFile } from '../../../lib/doctor/agent-file.ts';
import { judgeAgent } from '../../../lib/doctor/host/judge-agent.ts';
import { judgeSubnet, type SubnetEvidence } from '../../../lib/doctor/host/judge-subnet.ts';
import { parseSubnetEnv } from '../../../lib/overlay/subnet-env/subnet-env.ts';
import { statesOf, troublesOf } from './fixture.ts';

const api = 'unix:/run/fairlead/api.sock';
const file: AgentFile = {
  path: '/etc/fairlead/agent.json',
  isThere: true,
  trouble: undefined,
  api: [api],
  hasOverlay: true,
  subnetFile: undefined,
  hasBlocks: false,
  birdSocket: undefined,
  putsRulesBack: true,
  servesCalls: false,
};

test('an agent that answers and has no problem is well', () => {
  const answers = [{ api, kind: 'answered', problems: [] }] as const;

  expect(statesOf(judgeAgent({ file, isExpected: true, answers }))).toEqual(['ok']);
});

test('what a running agent complains of is a warning each', () => {
  const answers = [{ api, kind: 'answered', problems: ['sweep: no', 'overlay: etcd is away'] }] as const;

  expect(troublesOf(judgeAgent({ file, isExpected: true, answers }))).toEqual([
    expect.stringContaining('says: sweep: no'),
    expect.stringContaining('says: overlay: etcd is away'),
  ]);
});

test('an agent that does not run is a problem where one is configured, and skipped where none is', () => {
  const answers = [{ api, kind: 'absent' }] as const;

  expect(statesOf(judgeAgent({ file, isExpected: true, answers }))).toEqual(['problem']);
  expect(statesOf(judgeAgent({ file, isExpected: false, answers }))).toEqual(['skipped']);
});

test('an agent that answers in one of its places runs', () => {
  const answers = [
    { api: 'tcp:127.0.0.1:1', kind: 'absent' },
    { api, kind: 'answered', problems: [] },
  ] as const;

  expect(statesOf(judgeAgent({ file, isExpected: true, answers }))).toEqual(['ok']);
});

test('a socket that this user may not open is skipped, saying so', () => {
  const answers = [{ api, kind: 'unclear', because: 'run it as root' }] as const;

  expect(judgeAgent({ file, isExpected: true, answers })).toMatchObject([
    { state: 'skipped', found: expect.stringContaining('run it as root') },
  ]);
});

test('a configuration that is not understood is a problem, one that this user may not read is skipped', () => {
  const judge = (kind: 'nonsense' | 'unreadable') =>
    judgeAgent({ file: { ...file, trouble: { kind, because: 'no' } }, isExpected: true, answers: [] });

  expect(statesOf(judge('nonsense'))).toEqual(['problem', 'skipped']);
  expect(statesOf(judge('unreadable'))).toEqual(['skipped', 'skipped']);
});

const text = `FLANNEL_NETWORK=10.5.0.0/16
FLANNEL_SUBNET=10.5.1.1/24
FLANNEL_MTU=1450
FLANNEL_IPMASQ=false
`;
const path = '/run/flannel/subnet.env';
const [boot, earlier] = ['5f0e1a9c-0a4b-4d7e-9a51-0d5d1f2f3b11', '0b8b7a1e-52d1-4a43-8b0e-3f1f7f0a9c22'];
const moment = { bootId: boot, uptimeSeconds: 100 };
const read = (more = ''): SubnetEvidence => ({
  hasOverlay: true,
  isAgents: true,
  file: { path, kind: 'read', env: parseSubnetEnv(text + more, path) },
  moment,
});

test.each([
  ["flanneld's, which does not say how long it holds", '', 'ok', /10\.5\.1\.0\/24 by .*flanneld's/],
  ['with time left', `FAIRLEAD_BOOT_ID=${boot}\nFAIRLEAD_LEASE_UNTIL=160\n`, 'ok', /ends in 60 s/],
  ['without an end', `FAIRLEAD_BOOT_ID=${boot}\n`, 'ok', /does not end/],
  ['that has ended', `FAIRLEAD_BOOT_ID=${boot}\nFAIRLEAD_LEASE_UNTIL=99\n`, 'problem', /lease has ended/],
  [
    'of another boot',
    `FAIRLEAD_BOOT_ID=${earlier}\nFAIRLEAD_LEASE_UNTIL=999\n`,
    'problem',
    /before the last boot/,
  ],
])('a subnet file %s', (_, more, state, found) => {
  expect(judgeSubnet(read(more))).toMatchObject([{ state, found: expect.stringMatching(found) }]);
});

test('a subnet file that is not there is a problem where the agent is to write one', () => {
  const absent = { ...read(), file: { path, kind: 'absent' } } as const;

  expect(statesOf(judgeSubnet(absent))).toEqual(['problem']);
  expect(statesOf(judgeSubnet({ ...absent, isAgents: false }))).toEqual(['skipped']);
  expect(judgeSubnet({ ...absent, hasOverlay: false })[0]?.found).toBe('no overlay here');
});

test('a subnet file that is not understood is a problem, one that this user may not read is skipped', () => {
  const evidence = (kind: 'nonsense' | 'unreadable'): SubnetEvidence => ({
    ...read(),
    file: { path, kind, because: `${path}: FLANNEL_MTU: …` },
  });

  expect(troublesOf(judgeSubnet(evidence('nonsense')))).toEqual([expect.stringContaining('FLANNEL_MTU')]);
  expect(statesOf(judgeSubnet(evidence('unreadable')))).toEqual(['skipped']);
});
