import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { askHello } from '../../../lib/doctor/resident/ask-hello.ts';
import { judgeResident, type ResidentEvidence } from '../../../lib/doctor/resident/judge-resident.ts';
import { observeClients } from '../../../lib/doctor/resident/seen-clients.ts';
import { renderClientEnd, renderEnd } from '../../../lib/install/installed-build.ts';
import { renderHello } from '../../../lib/resident/protocol.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { statesOf, troublesOf } from './fixture.ts';

const build = 'a'.repeat(32);
const otherBuild = 'b'.repeat(32);
const here = { netNamespace: '4:1', mountNamespace: '4:2', root: '8:2' };
const hello = { buildId: build, ...here };
const clients = { dir: '/opt/cni/bin', names: ['bridge', 'portmap'], builds: [build], executable: build };

function evidenceOf(changes: Partial<ResidentEvidence> = {}): ResidentEvidence {
  return {
    clients,
    socketPath: '/run/fairlead/cni.sock',
    socket: { kind: 'greeted', hello },
    here,
    isConfigured: true,
    fallbacks: [],
    ...changes,
  };
}

const noClients = { ...clients, names: [], builds: [] };

test('clients and an agent of one build, in one place, are well', () => {
  expect(judgeResident(evidenceOf())).toEqual([{ state: 'ok', found: 'calls of 2 plugins go to the agent' }]);
});

test('without clients nothing is amiss, and where the agent serves it is said how to get them', () => {
  expect(statesOf(judgeResident(evidenceOf({ clients: noClients, socket: { kind: 'absent' } })))).toEqual([
    'skipped',
  ]);
  expect(judgeResident(evidenceOf({ clients: noClients }))).toEqual([
    { state: 'ok', found: expect.stringContaining('fairlead install --resident --dir /opt/cni/bin') },
  ]);
});

test('clients without an agent are a warning that says what to do', () => {
  const socket = { kind: 'absent' } as const;

  expect(troublesOf(judgeResident(evidenceOf({ socket })))).toEqual([
    expect.stringContaining('enable --now fairlead-agent'),
  ]);
  expect(troublesOf(judgeResident(evidenceOf({ socket, isConfigured: false })))).toEqual([
    expect.stringContaining('write "cni": {}'),
  ]);
});

test.each([
  ['a socket of another', { kind: 'foreign', because: 'it belongs to user 1000' }, /^problem: .*user 1000/],
  ['one who says nothing', { kind: 'unclear', because: 'it says nothing' }, /^warning: .*restart/],
  [
    'an agent of another build',
    { kind: 'greeted', hello: { ...hello, buildId: otherBuild } },
    /of build bbbb/,
  ],
  [
    'an agent in another mount namespace',
    { kind: 'greeted', hello: { ...hello, mountNamespace: '4:3' } },
    /another mount namespace than this shell.*PrivateMounts/,
  ],
  [
    'an agent in another place altogether',
    { kind: 'greeted', hello: { ...hello, netNamespace: '4:9', root: '8:9' } },
    /another network namespace and root directory/,
  ],
] as const)('%s is said', (_name, socket, said) => {
  expect(troublesOf(judgeResident(evidenceOf({ socket })))).toEqual([expect.stringMatching(said)]);
});

test('clients whose executable is missing or of another build are said', () => {
  const judge = (executable: string | undefined) =>
    troublesOf(judgeResident(evidenceOf({ clients: { ...clients, executable } })));

  expect(judge(undefined)).toEqual([expect.stringMatching(/^problem: bridge, portmap .*install --resident/)]);
  expect(judge(otherBuild)).toEqual([expect.stringMatching(/^warning: .*not of the same build/)]);
});

test('why clients go their own way is said, but for what every restart of the agent brings', () => {
  const fallbacks = (['absent', 'dropped', 'silent', 'lost'] as const).map((reason) => ({
    reason,
    count: 3,
    lastAtMs: 0,
  }));

  expect(troublesOf(judgeResident(evidenceOf({ fallbacks })))).toEqual([
    expect.stringMatching(/silent, 3 times.*workers/),
    expect.stringMatching(/lost, 3 times.*journalctl/),
  ]);
});

test('clients are told from executables, and from what is not ours', () => {
  using directory = temporaryDirectory();
  const at = (name: string) => `${directory.path}/${name}`;
  mkdirSync(at('dir'));
  writeFileSync(at('dhcp'), 'somebody else');
  writeFileSync(at('bridge'), `client${renderClientEnd({ id: build, version: '1.0.0' })}`);
  linkSync(at('bridge'), at('portmap'));
  writeFileSync(at('fairlead'), `executable${renderEnd({ id: otherBuild, version: '1.0.0' })}`);
  linkSync(at('fairlead'), at('ptp'));

  expect(observeClients(directory.path)).toEqual({
    dir: directory.path,
    names: ['bridge', 'portmap'],
    builds: [build],
    executable: otherBuild,
  });
  expect(observeClients(at('none'))).toMatchObject({ names: [], executable: undefined });
});

test('whoever listens is asked who they are', async () => {
  using directory = temporaryDirectory();
  const path = `${directory.path}/cni.sock`;
  expect(await askHello(path)).toEqual({ kind: 'absent' });

  let word = renderHello(hello);
  const server = createServer((socket) => socket.end(word)).listen(path);
  await new Promise((resolve) => server.once('listening', resolve));
  expect(await askHello(path)).toEqual({ kind: 'greeted', hello });
  word = '';
  expect(await askHello(path)).toEqual({ kind: 'unclear', because: 'it closes without a word' });
  word = 'HTTP/1.1 400 Bad Request\r\n';
  expect(await askHello(path)).toEqual({ kind: 'unclear', because: 'it speaks another protocol' });

  await new Promise((resolve) => server.close(resolve));
  writeFileSync(path, '');
  expect(await askHello(path)).toEqual({ kind: 'foreign', because: 'it is no socket' });
});
