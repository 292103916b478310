import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Agent } from '../support/agent.ts';
import { backendPort, startBackend } from '../support/backend.ts';
import { makeCertificates } from '../support/certificates.ts';
import { bridgeConf, ipsOf } from '../support/confs.ts';
import { Envoy, requireEnvoy } from '../support/envoy.ts';
import { type Conf, Rig } from '../support/rig.ts';
import { until } from '../support/until.ts';

/** Envoy asks again after this, and up to as long again that it adds at random. */
const refreshMs = 1_000;
const timing = { refreshDelay: `${refreshMs / 1_000}s`, requestTimeout: '5s' };

/** A network whose containers are the service `web`. */
function webConf(rig: Rig, registry: object = {}): Conf {
  const ports = [{ name: 'http', port: backendPort }];
  return bridgeConf(rig, { registry: { store: rig.store, service: 'web', ports, ...registry } });
}

/** A host with an agent, and containers in which a backend answers. */
async function createHost(...flags: readonly string[]) {
  await using stack = new AsyncDisposableStack();
  const rig = stack.use(await Rig.create());
  const agent = stack.use(await Agent.start(rig, ...flags));
  const owned = stack.move();
  const attach = async (registry: object = {}) => {
    const container = await rig.container();
    const conf = webConf(rig, registry);
    const [address = ''] = ipsOf(await rig.add(conf, container));
    owned.use(await startBackend(container));
    return { address, at: `${address}:${backendPort}`, del: () => rig.del(conf, container) };
  };
  return { rig, agent, attach, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Waits until Envoy has these endpoints and no others. @returns how long that took, in milliseconds */
async function untilEnvoyHas(envoy: Envoy, ...wanted: readonly string[]): Promise<number> {
  const begin = performance.now();
  let known: readonly string[] = [];
  await until(
    async () => {
      known = Object.keys(await envoy.endpoints()).sort();
      return known.join() === wanted.toSorted().join();
    },
    `Envoy to have ${wanted.join()}; it has `,
    () => `${known.join()}\n${envoy.log}`,
  );
  return performance.now() - begin;
}

/** The id of the instance at an address. */
async function idOf(agent: Agent, address: string): Promise<string> {
  const { body } = await agent.curl('/v1/services/web');
  const { instances } = body as { readonly instances: readonly { id: string; host: string }[] };
  return instances.find(({ host }) => host === address)?.id ?? '';
}

test('a real Envoy spreads requests over the containers by their weights, and leaves out one of weight 0', async (context) => {
  requireEnvoy(context);
  await using host = await createHost();
  const heavy = await host.attach({ weight: 3, meta: { region: 'eu', zone: 'a' } });
  const light = await host.attach({ weight: 1, meta: { region: 'eu', zone: 'b' } });
  await host.attach({ weight: 0 });

  await using envoy = await Envoy.start({
    ...{ netns: host.rig.host, dir: host.rig.dir, agent: { socket: host.agent.socket } },
    ...{ resource: 'web', ...timing },
  });
  const answers = await envoy.request(400);

  expect(await envoy.endpoints()).toEqual({
    [heavy.at]: { weight: 3, locality: { region: 'eu', zone: 'a' } },
    [light.at]: { weight: 1, locality: { region: 'eu', zone: 'b' } },
  });
  console.log(Object.fromEntries(answers));
  expect([...answers.keys()].sort()).toEqual([heavy.address, light.address].sort());
  expect(answers.get(heavy.address)).toBeGreaterThan(280);
  expect(answers.get(heavy.address)).toBeLessThan(320);
});

test('a container that comes, becomes critical, recovers or goes is so for Envoy within twice its refresh delay', async (context) => {
  requireEnvoy(context);
  await using host = await createHost();
  const [one, other] = [await host.attach(), await host.attach()];
  await using envoy = await Envoy.start({
    ...{ netns: host.rig.host, dir: host.rig.dir, agent: { socket: host.agent.socket } },
    ...{ resource: 'web.default.svc.fairlead.internal:http', ...timing },
  });
  await untilEnvoyHas(envoy, one.at, other.at);
  const path = `/v1/services/web/${await idOf(host.agent, one.address)}`;

  await host.agent.curl(path, '-X', 'PUT', '-d', '{"Status": "critical"}');
  const criticalMs = await untilEnvoyHas(envoy, other.at);
  const answers = await envoy.request(50);
  await host.agent.curl(path, '-X', 'PUT', '-d', '{"Status": "passing"}');
  const passingMs = await untilEnvoyHas(envoy, one.at, other.at);
  const third = await host.attach();
  const comeMs = await untilEnvoyHas(envoy, one.at, other.at, third.at);
  await third.del();
  const goneMs = await untilEnvoyHas(envoy, one.at, other.at);

  console.log({ criticalMs, passingMs, comeMs, goneMs });
  expect(answers).toEqual(new Map([[other.address, 50]]));
  // What Envoy adds to its delay at random is as long as the delay; the rest is for what this test starts.
  expect(Math.max(criticalMs, passingMs, comeMs, goneMs)).toBeLessThan(2 * refreshMs + 500);
  expect(await envoy.count('update_rejected')).toBe(0);
  expect(await envoy.count('update_failure')).toBe(0);
});

test('Envoy waits at the agent for changes instead of asking again and again', async (context) => {
  requireEnvoy(context);
  await using host = await createHost();
  const one = await host.attach();
  await using envoy = await Envoy.start({
    ...{ netns: host.rig.host, dir: host.rig.dir, agent: { socket: host.agent.socket } },
    ...{ resource: 'web', refreshDelay: '0.050s', requestTimeout: '20s' },
  });
  await untilEnvoyHas(envoy, one.at);

  const before = await envoy.count('update_attempt');
  const tookMs: number[] = [];
  const path = `/v1/services/web/${await idOf(host.agent, one.address)}`;
  for (const status of ['critical', 'passing', 'critical', 'passing', 'critical', 'passing']) {
    await host.agent.curl(path, '-X', 'PUT', '-d', JSON.stringify({ Status: status }));
    tookMs.push(await untilEnvoyHas(envoy, ...(status === 'passing' ? [one.at] : [])));
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const asked = (await envoy.count('update_attempt')) - before;

  console.log({ tookMs: tookMs.map(Math.round), asked });
  expect(Math.max(...tookMs)).toBeLessThan(1_000);
  // Once for each change, and once more where it had been waiting.
  expect(asked).toBeLessThanOrEqual(8);
});

test('Envoy keeps its endpoints while there is no agent, and follows the next one', async (context) => {
  requireEnvoy(context);
  await using host = await createHost();
  const one = await host.attach();
  await using envoy = await Envoy.start({
    ...{ netns: host.rig.host, dir: host.rig.dir, agent: { socket: host.agent.socket } },
    ...{ resource: 'web', ...timing },
  });
  await untilEnvoyHas(envoy, one.at);

  await host.agent.stop('SIGKILL');
  await until(async () => (await envoy.count('update_failure')) > 0, 'Envoy to miss the agent');
  const meanwhile = await envoy.request(20);
  await using next = await Agent.start(host.rig);
  const two = await host.attach();
  await untilEnvoyHas(envoy, one.at, two.at);

  expect(meanwhile).toEqual(new Map([[one.address, 20]]));
  expect(next.log).not.toContain('<3>');
});

test('over TLS Envoy is let in by the token that its configuration adds', async (context) => {
  requireEnvoy(context);
  await using rigged = await createTlsHost();
  const { host, ca, token } = rigged;
  const one = await host.attach();
  const place = { netns: host.rig.host, dir: host.rig.dir, resource: 'web', ...timing };
  const access = { address: '127.0.0.1', port: apiPort, ca, token };

  await using envoy = await Envoy.start({ ...place, agent: access });
  await untilEnvoyHas(envoy, one.at);
  expect(await envoy.request(10)).toEqual(new Map([[one.address, 10]]));
});

test('an Envoy whose token is not known gets no endpoints', async (context) => {
  requireEnvoy(context);
  await using rigged = await createTlsHost();
  const { host, ca } = rigged;
  await host.attach();
  const access = { address: '127.0.0.1', port: apiPort, ca, token: 'a-token-of-nobody' };

  await using envoy = await Envoy.start({
    ...{ netns: host.rig.host, dir: host.rig.dir, agent: access, resource: 'web', ...timing },
  });
  await until(async () => (await envoy.count('update_failure')) > 0, 'Envoy to be refused');
  expect(await envoy.endpoints()).toEqual({});
  expect(await envoy.request(1)).toEqual(new Map([['no healthy upstream', 1]]));
});

const apiPort = 8600;

/** A host whose agent also serves over TCP. */
async function createTlsHost() {
  await using stack = new AsyncDisposableStack();
  const scratch = stack.use(await Rig.create());
  const { ca, cert, key } = await makeCertificates(`${scratch.dir}/agent`);
  const token = 'envoys-token-of-tests';
  const tokens = [{ name: 'envoy', token, access: 'read', namespaces: ['default'] }];
  const file = `${scratch.dir}/agent.json`;
  writeFileSync(file, JSON.stringify({ api: { tokens, tls: { cert, key } } }));
  const host = stack.use(await createHost('--config', file, '--api', `tcp:127.0.0.1:${apiPort}`));
  const owned = stack.move();
  return { host, ca, token, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
