import { copyFileSync, existsSync, mkdirSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { expect, type TestContext, test } from 'vitest';
import { binDir, executablesDir } from '../support/binaries.ts';
import { isWorker } from '../support/call-place-processes.ts';
import { must, run } from '../support/process.ts';
import { namesIn, ResidentHost } from '../support/resident-host.ts';
import { skipUnless } from '../support/skip.ts';
import { until } from '../support/until.ts';

function confOf(host: ResidentHost) {
  return {
    cniVersion: '1.1.0',
    name: 'net',
    type: 'bridge',
    bridge: 'cni0',
    isGateway: true,
    ipam: { type: 'host-local', subnet: '10.88.0.0/16', dataDir: host.rig.dataDir },
  };
}

/** So many pairs of calls of one container, one after the other. */
async function attachAgain(host: ResidentHost, container: string, pairs: number): Promise<readonly string[]> {
  const failures: string[] = [];
  for (let pair = 0; pair < pairs; pair++)
    for (const verb of ['ADD', 'DEL'] as const) {
      const { status, stdout, stderr } = await host.cni(verb, confOf(host), container);
      if (status !== 0) failures.push(`${verb}: ${stdout}${stderr}`);
    }
  return failures;
}

function requireClient(context: TestContext): void {
  skipUnless(
    context,
    existsSync(`${binDir}/fairlead-client`),
    'the build has no client: there was no C compiler',
  );
}

test('calls of clients are carried out by workers, and counted by plugin, verb and part', async (context) => {
  requireClient(context);
  await using host = await ResidentHost.create();
  await using agent = await host.startAgent();
  const [container = ''] = host.containers;

  expect(await attachAgain(host, container, 2)).toEqual([]);

  const count = async () => (await agent.status()).calls.reduce((sum, each) => sum + each.count, 0);
  await until(async () => (await count()) === 4, 'all calls to be counted');
  const { calls, phases, workers, fallbacks, problems } = await agent.status();
  expect(calls).toEqual([
    { path: 'resident', plugin: 'bridge', verb: 'ADD', code: '0', count: 2 },
    { path: 'resident', plugin: 'bridge', verb: 'DEL', code: '0', count: 2 },
  ]);
  expect(phases.map(({ verb, of, medianMs }) => [verb, of, medianMs.whole > 0])).toEqual([
    ['ADD', 2, true],
    ['DEL', 2, true],
  ]);
  expect({ workers, fallbacks, problems }).toEqual({
    workers: { wanted: 2, running: 2, restarts: 0 },
    fallbacks: [],
    problems: [],
  });
  expect(statSync(`${host.runDir}/cni.sock`).mode & 0o777).toBe(0o600);
});

test("'fairlead cni --json' prints what the agent says of calls", async (context) => {
  requireClient(context);
  await using host = await ResidentHost.create();
  await using agent = await host.startAgent();
  const [container = ''] = host.containers;
  expect(await attachAgain(host, container, 1)).toEqual([]);
  await until(async () => (await agent.status()).calls.length === 2, 'the calls to be counted');

  const printed = await must(`${binDir}/fairlead`, ['cni', '--json', '--api', `unix:${agent.api}`]);

  expect(JSON.parse(printed)).toEqual(await agent.status());
});

test('the metrics have calls, parts, fallbacks and workers', async (context) => {
  requireClient(context);
  await using host = await ResidentHost.create();
  const [container = ''] = host.containers;
  expect(await attachAgain(host, container, 1)).toEqual([]);
  await using agent = await host.startAgent();
  expect(await attachAgain(host, container, 1)).toEqual([]);

  const scrape = () => agent.get('/metrics');
  const isCounted = async () => (await scrape()).includes('path="resident",plugin="bridge",verb="DEL"');
  await until(isCounted, 'the DEL to be counted');

  const metrics = await scrape();
  expect(metrics).toContain(
    'fairlead_cni_calls_total{path="resident",plugin="bridge",verb="ADD",code="0"} 1\n',
  );
  expect(metrics).toContain(
    'fairlead_cni_calls_total{path="executable",plugin="bridge",verb="ADD",code=""} 1\n',
  );
  expect(metrics).toContain('fairlead_cni_fallbacks_total{reason="absent"} 2\n');
  expect(metrics).toContain('fairlead_cni_fallbacks_total{reason="lost"} 0\n');
  expect(metrics).toContain('fairlead_cni_phase_seconds_count{verb="ADD",phase="whole"} 1\n');
  expect(metrics).toContain('fairlead_cni_workers 2\n');
  expect(metrics).toContain('fairlead_cni_worker_restarts_total 0\n');
  expect(namesIn(host.runDir)).not.toContain('cni.fallbacks');
});

test('a worker that is killed is started again, and calls go on', async (context) => {
  requireClient(context);
  await using host = await ResidentHost.create();
  await using agent = await host.startAgent();
  await until(() => agent.workers.length === 2, 'two workers');
  const [killed = 0] = agent.workers;

  process.kill(killed, 'SIGKILL');
  await agent.logged('a worker for CNI calls has ended, and is started again');
  await until(() => agent.workers.length === 2, 'two workers again');

  expect(agent.workers).not.toContain(killed);
  expect(agent.log).toContain('"signal SIGKILL"');
  const [container = ''] = host.containers;
  expect(await attachAgain(host, container, 2)).toEqual([]);
  expect(await agent.status()).toMatchObject({
    workers: { wanted: 2, running: 2, restarts: 1 },
    problems: [],
  });
});

test('a worker that is started after its executable has gone tells outside registries all the same', async (context) => {
  requireClient(context);
  await using host = await ResidentHost.create();
  const { dir } = host.rig;
  const own = `${dir}/agent-bin`;
  mkdirSync(own);
  copyFileSync(`${executablesDir}/fairlead`, `${own}/fairlead`);
  await using agent = await host.startAgent({ binDir: own, cni: { workers: 1 } });
  await until(() => agent.workers.length === 1, 'a worker');
  rmSync(own, { recursive: true });
  for (const pid of agent.workers) process.kill(pid, 'SIGKILL');
  await agent.logged('a worker for CNI calls has ended, and is started again');

  const mirror = { name: 'main', type: 'etcd', endpoints: ['http://127.0.0.1:1'] };
  writeFileSync(`${dir}/mirrors.json`, JSON.stringify({ mirrors: [mirror] }));
  // Of a store that is not the agent's, the worker itself has the outside registries told.
  const registry = { store: `${dir}/other.db`, mirrors: `${dir}/mirrors.json` };
  const [container = ''] = host.containers;
  const { status, stderr } = await host.cni('ADD', { ...confOf(host), registry }, container);

  expect([status, stderr]).toEqual([0, expect.stringContaining('ECONNREFUSED')]);
  expect((await agent.status()).fallbacks).toEqual([]);
});

test('signals that a terminal or a service manager sends to all end no worker', async (context) => {
  requireClient(context);
  await using host = await ResidentHost.create();
  await using agent = await host.startAgent();
  const [container = ''] = host.containers;
  // A worker listens to no signal once it has served.
  expect(await attachAgain(host, container, 3)).toEqual([]);
  const { workers } = agent;

  for (const pid of workers) for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.kill(pid, signal);
  expect(await attachAgain(host, container, 1)).toEqual([]);

  expect(agent.workers).toEqual(workers);
});

test('the workers of an agent that is killed end, and the next agent serves over what it has left', async (context) => {
  requireClient(context);
  await using host = await ResidentHost.create();
  const first = await host.startAgent();
  await until(() => first.workers.length === 2, 'two workers');
  const { workers } = first;

  await first.end('SIGKILL');
  await until(() => !workers.some(isWorker), 'the workers to end');
  expect(namesIn(host.runDir)).toContain('cni.sock');
  await using second = await host.startAgent();

  const [container = ''] = host.containers;
  expect(await attachAgain(host, container, 1)).toEqual([]);
  expect((await second.status()).problems).toEqual([]);
});

test('an agent that is stopped under load has every call answered, and leaves neither socket nor worker', async (context) => {
  requireClient(context);
  await using host = await ResidentHost.create(6);
  const agent = await host.startAgent();
  await until(() => agent.workers.length === 2, 'two workers');
  const { workers } = agent;

  const calls = host.containers.map((container) => attachAgain(host, container, 8));
  await until(async () => (await agent.status()).calls.length > 0, 'calls to be carried out');
  const status = await agent.end('SIGTERM');
  const failures = (await Promise.all(calls)).flat();

  expect({ status, failures }).toEqual({ status: 0, failures: [] });
  expect(workers.filter(isWorker)).toEqual([]);
  expect(namesIn(host.runDir)).not.toContain('cni.sock');
  expect(host.rig.leases()).toEqual({});
}, 120_000);

test('what is in the place of the socket is a problem that the agent names, and serves when it has gone', async () => {
  await using host = await ResidentHost.create();
  mkdirSync(`${host.runDir}/cni.sock`);
  await using agent = await host.startAgent({ sign: 'something that is no socket is there' });

  const { isServing, problems, workers } = await agent.status();
  expect(isServing).toBe(false);
  expect(problems).toEqual([expect.stringContaining('stop or remove that first')]);
  expect(workers.running).toBe(0);
  expect(await agent.get('/healthz')).toContain('serving CNI calls: ');

  rmdirSync(`${host.runDir}/cni.sock`);
  await agent.logged('serving CNI calls socket=');
  expect(await agent.status()).toMatchObject({ isServing: true, problems: [] });
});

test('of two agents one serves, and the other does when that has ended', async (context) => {
  requireClient(context);
  await using host = await ResidentHost.create();
  const first = await host.startAgent();
  await using second = await host.startAgent({ name: 'second', sign: 'another agent serves it' });
  const [container = ''] = host.containers;
  expect(await attachAgain(host, container, 1)).toEqual([]);

  await first.end('SIGTERM');
  await second.logged('is well again');

  expect(await attachAgain(host, container, 1)).toEqual([]);
  await until(async () => (await second.status()).calls.length === 2, 'the calls to be counted');
});

test('a socket that somebody removes is made anew', async (context) => {
  requireClient(context);
  await using host = await ResidentHost.create();
  await using agent = await host.startAgent();

  rmSync(`${host.runDir}/cni.sock`);
  await agent.logged('was removed or replaced');
  await agent.logged('serving CNI calls', 2);

  const [container = ''] = host.containers;
  expect(await attachAgain(host, container, 1)).toEqual([]);
  await until(async () => (await agent.status()).calls.length === 2, 'the calls to be counted');
});

test('the doctor says which path calls take, and what keeps them from it', async (context) => {
  requireClient(context);
  await using host = await ResidentHost.create();
  const agent = await host.startAgent();
  const files = ['--config', agent.config, '--plugin-dir', `${host.rig.dir}/bin`];
  const examine = async () => {
    const args = host.entering(`${binDir}/fairlead`, 'doctor', '--json', ...files);
    const lines = JSON.parse((await run({ file: 'nsenter', args })).stdout) as {
      id: string;
      found: string;
    }[];
    return lines.filter(({ id }) => id === 'resident');
  };

  expect(await examine()).toMatchObject([{ state: 'ok', found: 'calls of 1 plugins go to the agent' }]);
  await agent.end('SIGTERM');

  expect(await examine()).toMatchObject([
    { state: 'warning', remedy: expect.stringContaining('systemctl enable --now fairlead-agent') },
  ]);
});

test('a registry that is opened anew stops no calls', async (context) => {
  requireClient(context);
  await using host = await ResidentHost.create();
  await using agent = await host.startAgent();
  await until(() => agent.workers.length === 2, 'two workers');
  const { workers } = agent;

  for (const end of ['', '-wal', '-shm']) rmSync(`${host.rig.store}${end}`, { force: true });
  await agent.logged('opening the registry anew');
  await agent.logged('serving store=', 2);

  const [container = ''] = host.containers;
  expect(await attachAgain(host, container, 1)).toEqual([]);
  expect(agent.workers).toEqual(workers);
  await until(async () => (await agent.status()).calls.length === 2, 'the calls to be counted');
});
