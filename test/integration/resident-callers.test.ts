import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { expect, type TestContext, test } from 'vitest';
import { mostRequestBytes, requestHeaderBytes } from '../../lib/resident/protocol.ts';
import { binDir } from '../support/binaries.ts';
import type { CallAgent } from '../support/call-agent.ts';
import { toEnvironment, type Verb } from '../support/cni-call.ts';
import { mustInside } from '../support/process.ts';
import { ResidentHost } from '../support/resident-host.ts';
import { skipUnless } from '../support/skip.ts';
import { until } from '../support/until.ts';

/** How long an ADD's IPAM takes, in seconds: long enough to look at the call, and short enough to wait for it. */
const slowSeconds = 1;

/** A host whose containers get their addresses slowly from an IPAM plugin of somebody else's. */
async function openHost(context: TestContext, containers: number): Promise<ResidentHost> {
  skipUnless(
    context,
    existsSync(`${binDir}/fairlead-client`),
    'the build has no client: there was no C compiler',
  );
  const host = await ResidentHost.create(containers);
  const plugins = `${host.rig.dir}/others`;
  mkdirSync(plugins);
  const script = `#!/bin/sh
[ "$CNI_COMMAND" != ADD ] || { echo "$CNI_CONTAINERID" >> "${host.rig.dir}/asked"; sleep ${slowSeconds}; }
exec ${binDir}/host-local
`;
  writeFileSync(`${plugins}/slow`, script, { mode: 0o755 });
  return host;
}

/** @param file the client, or the executable that it would start */
function startCall(host: ResidentHost, verb: Verb, container: string, file = host.client) {
  const conf = {
    cniVersion: '1.1.0',
    name: 'net',
    type: 'bridge',
    bridge: 'cni0',
    isGateway: true,
    registry: { store: host.rig.store },
    ipam: { type: 'slow', subnet: '10.88.0.0/16', dataDir: host.rig.dataDir },
  };
  return execa('nsenter', host.entering(file), {
    input: JSON.stringify(conf),
    env: toEnvironment(verb, container, { env: { CNI_PATH: `${host.rig.dir}/others` } }),
    reject: false,
    timeout: 30_000,
  });
}

/** Resolves when the IPAM plugin has been asked for an address for the container. */
function asked(host: ResidentHost, container: string): Promise<void> {
  const path = `${host.rig.dir}/asked`;
  const isAsked = () => existsSync(path) && readFileSync(path, 'utf8').split('\n').includes(container);
  return until(isAsked, `the ADD of ${container} to ask for an address`);
}

async function linksOf(host: ResidentHost): Promise<readonly string[]> {
  const links = JSON.parse(await mustInside(host.rig.host, 'ip', '-j', 'link', 'show', 'type', 'veth'));
  return (links as readonly { ifname?: string }[]).flatMap(({ ifname }) => ifname ?? []);
}

/** A caller that reads the greeting, sends bytes, may say that this is all, and waits until it is answered or left. */
const caller = `import socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect("/run/fairlead/cni.sock")
print(connection.recv(256).decode().split()[0])
connection.sendall(bytes.fromhex(sys.argv[1]))
if sys.argv[2] == "end": connection.shutdown(socket.SHUT_WR)
try: print(connection.recv(1))
except ConnectionResetError: print(b"")`;

/** Sends something else than a request. @param others words that change something of the caller before it comes */
async function sendRaw(
  host: ResidentHost,
  bytes: Buffer,
  { isEnd = false, others = [] as readonly string[] } = {},
): Promise<string> {
  const words = ['/usr/bin/python3', '-c', caller, bytes.toString('hex'), isEnd ? 'end' : 'wait'];
  return (await execa('nsenter', host.entering(...others, ...words))).stdout;
}

function header(stdin: number): Buffer {
  const bytes = Buffer.alloc(requestHeaderBytes);
  bytes.writeUInt32LE(stdin, 12);
  return bytes;
}

function serve(host: ResidentHost, workers = 2): Promise<CallAgent> {
  return host.startAgent({ cni: { workers } });
}

test('who sends half a request, or one that is too large, is dropped, and others are served', async (context) => {
  await using host = await openHost(context, 1);
  await using agent = await serve(host, 1);
  const [container = ''] = host.containers;

  const left = "fairlead-cni\nb''";
  expect(await sendRaw(host, header(mostRequestBytes + 1))).toBe(left);
  expect(await sendRaw(host, header(100))).toBe(left);
  expect(await sendRaw(host, Buffer.concat([header(100), Buffer.from('{')]), { isEnd: true })).toBe(left);

  await agent.logged(`its request has ${mostRequestBytes + 1} bytes, above ${mostRequestBytes}`);
  await agent.logged('it has kept us waiting for 2 s');
  await agent.logged('it has closed after 1 of 100 bytes');
  expect((await startCall(host, 'ADD', container)).exitCode).toBe(0);
  expect((await startCall(host, 'DEL', container)).exitCode).toBe(0);
});

test('who is not root is refused, also where somebody has opened the socket to all', async (context) => {
  await using host = await openHost(context, 1);
  await using agent = await serve(host);
  chmodSync(`${host.rig.dir}`, 0o755);
  chmodSync(`${host.runDir}/cni.sock`, 0o666);

  const script = `import socket; s = socket.socket(socket.AF_UNIX); s.connect("/run/fairlead/cni.sock"); print(s.recv(10))`;
  const unprivileged = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const { stdout } = await execa('nsenter', host.entering(...unprivileged, '/usr/bin/python3', '-c', script));

  expect(stdout).toBe("b''");
  await agent.logged('a caller that is not root was refused user=65534');
});

test('root of another namespace has nothing carried out', async (context) => {
  await using host = await openHost(context, 1);
  await using agent = await serve(host);

  for (const kind of [['--net'], ['--mount'], ['--user', '--map-root-user']])
    expect(await sendRaw(host, header(0), { others: ['unshare', ...kind] })).toBe("fairlead-cni\nb''");

  await agent.logged('has not our namespaces', 3);
});

test('an ADD whose caller has died is taken back', async (context) => {
  await using host = await openHost(context, 1);
  await using agent = await serve(host);
  const [container = ''] = host.containers;

  const call = startCall(host, 'ADD', container);
  await asked(host, container);
  call.kill('SIGKILL');
  await agent.logged('an ADD that nobody waited for was taken back');

  expect(await linksOf(host)).toEqual([]);
  expect(host.rig.leases()).toEqual({});
});

test('a caller that dies while it waits for a worker has nothing begun', async (context) => {
  await using host = await openHost(context, 2);
  await using agent = await serve(host, 1);
  const [busy = '', waiting = ''] = host.containers;

  const first = startCall(host, 'ADD', busy);
  await asked(host, busy);
  const second = startCall(host, 'ADD', waiting);
  await sleep((slowSeconds * 1000) / 4);
  second.kill('SIGKILL');
  expect((await first).exitCode).toBe(0);
  await agent.logged('a caller was dropped before its call had begun');

  expect(Object.values(host.rig.leases())).toEqual([expect.stringContaining(busy)]);
  expect((await startCall(host, 'DEL', busy)).exitCode).toBe(0);
});

test('calls of different containers are carried out beside each other', async (context) => {
  await using host = await openHost(context, 2);
  await using _agent = await serve(host);
  const [one = '', other = ''] = host.containers;

  const startedAt = performance.now();
  const adds = [startCall(host, 'ADD', one), startCall(host, 'ADD', other)];
  await Promise.all([asked(host, one), asked(host, other)]);

  expect((await Promise.all(adds)).map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  expect(performance.now() - startedAt).toBeLessThan(slowSeconds * 1000 * 1.9);
});

test('an IPAM plugin that calls ours waits for no worker: all may be waiting for it', async (context) => {
  await using host = await openHost(context, 1);
  await using agent = await serve(host, 1);
  const [container = ''] = host.containers;
  const ours = `${host.rig.dir}/bin/host-local`;
  copyFileSync(host.client, ours);
  writeFileSync(`${host.rig.dir}/others/slow`, `#!/bin/sh\nexec ${ours}\n`);

  const added = await startCall(host, 'ADD', container);
  const removed = await startCall(host, 'DEL', container);

  expect([added.exitCode, removed.exitCode]).toEqual([0, 0]);
  expect((await agent.status()).fallbacks).toEqual([]);
});

test.for(['client', 'executable'])(
  'a DEL by the %s waits for the ADD of the same interface that a worker carries out',
  async (way, context) => {
    await using host = await openHost(context, 1);
    await using _agent = await serve(host);
    const [container = ''] = host.containers;

    const adding = startCall(host, 'ADD', container);
    await asked(host, container);
    const removal = await startCall(
      host,
      'DEL',
      container,
      way === 'client' ? undefined : `${binDir}/bridge`,
    );

    expect([(await adding).exitCode, removal.exitCode]).toEqual([0, 0]);
    expect(await linksOf(host)).toEqual([]);
    expect(host.rig.leases()).toEqual({});
  },
);

test('a DEL whose caller has gone waits no longer, and keeps no worker from others', async (context) => {
  await using host = await openHost(context, 2);
  await using agent = await serve(host, 2);
  const [busy = '', other = ''] = host.containers;

  const adding = startCall(host, 'ADD', busy);
  await asked(host, busy);
  startCall(host, 'DEL', busy).kill('SIGKILL');
  const waiting = startCall(host, 'DEL', busy);
  await sleep((slowSeconds * 1000) / 4);
  waiting.kill('SIGKILL');
  await agent.logged('a caller has gone before it had its answer');
  expect((await startCall(host, 'DEL', other)).exitCode).toBe(0);

  expect((await adding).exitCode).toBe(0);
  expect(Object.values(host.rig.leases())).toEqual([expect.stringContaining(busy)]);
});
