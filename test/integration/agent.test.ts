import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { Agent } from '../support/agent.ts';
import { bridgeConf, dualConf, ipsOf } from '../support/confs.ts';
import { linkNames } from '../support/kernel.ts';
import { mountSmallDisk } from '../support/mounts.ts';
import { inside, must, mustInside } from '../support/process.ts';
import { Rig } from '../support/rig.ts';
import { until } from '../support/until.ts';

const zone = 'fairlead.internal';
const soak = process.env.SOAK === '1';

/** A network whose containers are the service `web` at port 80. */
function webConf(rig: Rig, registry: object = {}) {
  return dualConf(rig, {
    registry: { store: rig.store, service: 'web', ports: [{ name: 'http', port: 80 }], ...registry },
  });
}

test('a container is resolvable when its ADD has returned, and no more when its DEL has', async () => {
  await using rig = await Rig.create();
  await using agent = await Agent.start(rig);
  const container = await rig.container();
  const conf = webConf(rig);

  for (let round = 0; round < (soak ? 500 : 20); round++) {
    const addresses = ipsOf(await rig.add(conf, container));
    expect(await agent.dig(`web.default.svc.${zone}`)).toEqual([addresses[0]]);
    expect(await agent.dig(`${container}.net.${zone}`, 'AAAA')).toEqual([addresses[1]]);
    await rig.del(conf, container);
    expect(await agent.rcode(`web.default.svc.${zone}`)).toBe('NXDOMAIN');
  }
});

test('names, ports and addresses are found in every way that DNS has for them', async () => {
  await using rig = await Rig.create();
  await using agent = await Agent.start(rig);
  const container = await rig.container();
  const [v4 = '', v6 = ''] = ipsOf(await rig.add(webConf(rig, { tags: ['blue'] }), container));
  const own = `${container}.net.${zone}.`;

  expect(await agent.dig(`_http._tcp.web.default.svc.${zone}`, 'SRV')).toEqual(
    [`0 1 80 ${own}`, `0 1 80 ${own}`].slice(0, 1),
  );
  expect(await agent.dig(`blue.web.default.svc.${zone}`)).toEqual([v4]);
  expect(await agent.dig(`${container}.web.default.svc.${zone}`, 'AAAA')).toEqual([v6]);
  expect(await agent.dig('-x', v4)).toEqual([own]);
  expect(await agent.dig('-x', v6)).toEqual([own]);
  expect(await agent.rcode(`web.default.svc.${zone}`, 'MX')).toBe('NOERROR');
  expect(await agent.rcode(`nobody.default.svc.${zone}`)).toBe('NXDOMAIN');
  expect(await agent.rcode('example.com')).toBe('REFUSED');
});

test('DNS answers at the gateway, and a container sees only the networks that it is on', async () => {
  await using rig = await Rig.create();
  await using agent = await Agent.start(rig);
  const [one, other] = [await rig.container(), await rig.container()];
  const red = bridgeConf(rig, {
    name: 'red',
    bridge: 'red0',
    registry: { store: rig.store, service: 'web' },
  });
  const blue = {
    ...bridgeConf(rig, { name: 'blue', bridge: 'blue0', registry: { store: rig.store, service: 'web' } }),
    ipam: { type: 'host-local', dataDir: rig.dataDir, subnet: '10.23.0.0/24' },
  };
  const [inRed] = ipsOf(await rig.add(red, one));
  const [inBlue] = ipsOf(await rig.add(blue, other));
  await agent.logged('DNS answers at the gateway', 2);

  const ask = async (netns: string, server: string) =>
    (
      await mustInside(netns, 'dig', '+short', '+time=2', '+tries=1', `@${server}`, `web.default.svc.${zone}`)
    ).trim();
  expect(await ask(one, '10.22.0.1')).toBe(inRed);
  expect(await ask(other, '10.23.0.1')).toBe(inBlue);
  expect(await agent.dig(`web.default.svc.${zone}`)).toEqual([inRed, inBlue].toSorted());

  await rig.del(red, one);
  await mustInside(rig.host, 'ip', 'link', 'del', 'red0');
  await agent.logged('DNS does not answer here any more');
});

test('a container without a name sees the network at whose gateway it asks, and no other', async () => {
  await using rig = await Rig.create();
  await using agent = await Agent.start(rig);
  const [named, nameless, other] = [await rig.container(), await rig.container(), await rig.container()];
  const red = bridgeConf(rig, {
    name: 'red',
    bridge: 'red0',
    registry: { store: rig.store, service: 'web' },
  });
  const blue = {
    ...bridgeConf(rig, { name: 'blue', bridge: 'blue0', registry: { store: rig.store, service: 'db' } }),
    ipam: { type: 'host-local', dataDir: rig.dataDir, subnet: '10.23.0.0/24' },
  };
  const [inRed] = ipsOf(await rig.add(red, named));
  await rig.add({ ...red, registry: false }, nameless);
  await rig.add(blue, other);
  await agent.logged('DNS answers at the gateway', 2);

  const ask = async (name: string) =>
    (
      await mustInside(
        nameless,
        'dig',
        '+short',
        '+time=2',
        '+tries=1',
        '@10.22.0.1',
        `${name}.default.svc.${zone}`,
      )
    ).trim();
  expect([await ask('web'), await ask('db')]).toEqual([inRed, '']);
});

test('the agent runs with hashes of its own, and not with those that stand in the executable', async () => {
  await using rig = await Rig.create();
  await using agent = await Agent.start(rig);

  const words = readFileSync(`/proc/${agent.pid}/cmdline`, 'utf8').split('\0');

  expect(words.slice(1, 3)).toEqual(['--node-options=--rehash-snapshot', 'agent']);
});

test('the agent keeps its locks on the registry, so that nobody else takes its journal away', async () => {
  await using rig = await Rig.create();
  await using agent = await Agent.start(rig);
  await rig.add(webConf(rig), await rig.container());
  await new Promise((resolve) => setTimeout(resolve, 2_500));

  // What opens and closes a registry properly removes the journal if it takes itself for the last one.
  await must('python3', [
    '-c',
    `import sqlite3; sqlite3.connect('${rig.store}').execute('select * from meta').fetchall()`,
  ]);
  const [v4] = ipsOf(await rig.add(webConf(rig), await rig.container()));

  expect(readdirSync(rig.dir)).toContain('registry.db-wal');
  expect(await agent.dig(`web.default.svc.${zone}`)).toContain(v4);
});

test('an instance whose check fails leaves the answers within interval × fall + 1 s, and returns', async () => {
  await using rig = await Rig.create();
  await using agent = await Agent.start(rig);
  const container = await rig.container();
  const conf = webConf(rig, { check: { tcp: true, interval: '500ms', fall: 2 } });
  const listening = () =>
    execa('nsenter', [...inside(container), 'busybox', 'httpd', '-f', '-p', '80', '-h', rig.dir], {
      reject: false,
      timeout: 60_000,
    });
  let server = listening();
  const [v4] = ipsOf(await rig.add(conf, container));
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  expect(await agent.dig(`web.default.svc.${zone}`)).toEqual([v4]);

  server.kill('SIGKILL');
  const killedAt = performance.now();
  await until(
    async () => (await agent.dig(`web.default.svc.${zone}`)).length === 0,
    'the answer to be empty',
  );
  expect(performance.now() - killedAt).toBeLessThan(500 * 2 + 1_000);
  expect(await agent.rcode(`web.default.svc.${zone}`)).toBe('NOERROR');
  expect(await agent.dig(`${container}.net.${zone}`)).toEqual([v4]);

  server = listening();
  await until(async () => (await agent.dig(`web.default.svc.${zone}`)).length === 1, 'the answer to be back');
  server.kill('SIGKILL');
});

test('a container whose namespace goes without a DEL is withdrawn', async () => {
  await using rig = await Rig.create();
  const file = `${rig.dir}/agent.json`;
  writeFileSync(file, JSON.stringify({ sweepInterval: '1s' }));
  await using agent = await Agent.start(rig, '--config', file);
  const container = await rig.container();
  await rig.add(webConf(rig), container);

  await rig.remove(container);

  await until(
    async () => (await agent.rcode(`web.default.svc.${zone}`)) === 'NXDOMAIN',
    'the name to be gone',
  );
  expect(agent.log).toContain('withdrawn: its container is dead');
});

test('an agent that was killed serves again what was registered meanwhile, over its own old socket', async () => {
  await using rig = await Rig.create();
  const [one, other] = [await rig.container(), await rig.container()];
  await using first = await Agent.start(rig);
  await rig.add(webConf(rig), one);
  expect(await first.stop('SIGKILL')).toBeDefined();
  await rig.add(webConf(rig), other);

  await using second = await Agent.start(rig);

  expect(await second.dig(`web.default.svc.${zone}`)).toHaveLength(2);
  expect((await second.curl('/healthz')).status).toBe(200);
  expect(await second.stop()).toBe(0);
  expect(readdirSync(rig.dir)).not.toContain('api.sock');
});

test.each([
  { how: 'removed', harm: (path: string) => rmSync(path) },
  { how: 'cut to nothing', harm: (path: string) => truncateSync(path, 0) },
  { how: 'overwritten', harm: (path: string) => writeFileSync(path, 'x'.repeat(8192)) },
])('a registry that is $how under the agent is begun anew, and the next ADD is found', async ({ harm }) => {
  await using rig = await Rig.create();
  await using agent = await Agent.start(rig);
  const [one, other] = [await rig.container(), await rig.container()];
  await rig.add(webConf(rig), one);
  expect(await agent.dig(`web.default.svc.${zone}`)).toHaveLength(1);

  harm(rig.store);
  await agent.logged('serving', 2);
  const [v4] = ipsOf(await rig.add(webConf(rig), other));

  expect(await agent.dig(`web.default.svc.${zone}`)).toEqual([v4]);
});

test('on a full disk the agent goes on answering, refuses changes with 503, and takes them again with room', async () => {
  await using rig = await Rig.create();
  await using disk = await mountSmallDisk(`${rig.dir}/disk`, '512k');
  const store = `${disk.path}/registry.db`;
  await using agent = await Agent.start(rig, '--store', store);
  const container = await rig.container();
  const conf = webConf(rig, { store });
  const [v4] = ipsOf(await rig.add(conf, container));
  const post = () => agent.curl('/services/billing', '-d', '{"Host": "192.0.2.7", "Port": 9000}');
  await disk.fill('blocks');

  const refused = await post();
  const answer = await agent.dig(`web.default.svc.${zone}`);
  const del = await rig.cni('DEL', conf, container);
  const links = await linkNames(container);
  await disk.empty();
  const again = await rig.cni('DEL', conf, container);

  expect([refused.status, answer]).toEqual([503, [v4]]);
  expect([del.status, del.error?.code, links]).toEqual([1, 11, []]);
  expect([again.status, await agent.rcode(`web.default.svc.${zone}`)]).toEqual([0, 'NXDOMAIN']);
  expect((await post()).status).toBe(201);
});

test('what is registered over the API is found by DNS, can be changed, and leaves when its heartbeat stays away', async () => {
  await using rig = await Rig.create();
  await using agent = await Agent.start(rig);
  const post = (path: string, body: object) => agent.curl(path, '-X', 'POST', '-d', JSON.stringify(body));

  const made = await post('/services/billing', {
    Host: '192.0.2.7',
    Port: 9000,
    Endpoint: '/v1',
    Check: { ttl: '1s' },
  });
  const { id } = made.body as { id: string };

  expect(made.status).toBe(201);
  expect(await agent.dig(`billing.default.svc.${zone}`)).toEqual(['192.0.2.7']);
  expect((await agent.curl(`/services/billing/${id}`, '-X', 'PUT', '-d', '{"Weight":5}')).status).toBe(200);
  expect(await agent.dig(`billing.default.svc.${zone}`, 'SRV')).toEqual([
    `0 5 9000 ${id}.billing.default.svc.${zone}.`,
  ]);
  await until(async () => (await agent.dig(`billing.default.svc.${zone}`)).length === 0, 'the TTL to pass');
  await until(async () => (await agent.rcode(`billing.default.svc.${zone}`)) === 'NXDOMAIN', 'it to leave');
});

test('a watcher of the command line sees what happens, as it happens', async () => {
  await using rig = await Rig.create();
  await using _agent = await Agent.start(rig);
  const container = await rig.container();
  const watching = execa('dist/bin/fairlead', ['watch', '--json', '--store', rig.store], {
    reject: false,
    timeout: 20_000,
  });
  let seen = '';
  watching.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.toString();
  });
  await new Promise((resolve) => setTimeout(resolve, 400));

  await rig.add(webConf(rig), container);
  await rig.del(webConf(rig), container);
  await until(() => seen.includes('"remove"'), 'the removal to be seen');
  watching.kill('SIGINT');

  const kinds = seen
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { kind: string }).kind);
  expect(kinds).toEqual(['put', 'put', 'remove', 'remove']);
  expect((await watching).exitCode).toBe(0);
});
