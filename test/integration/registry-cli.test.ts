import { readdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { binDir } from '../support/binaries.ts';
import { dualConf, ipsOf } from '../support/confs.ts';
import { run } from '../support/process.ts';
import { Rig } from '../support/rig.ts';

const zone = 'fairlead.internal';

async function fairlead(rig: Rig, ...args: readonly string[]) {
  const { status, stdout, stderr } = await run({
    file: `${binDir}/fairlead`,
    args: [...args, '--store', rig.store],
  });
  return {
    status,
    stdout,
    stderr,
    json: args.includes('--json') ? (JSON.parse(stdout) as unknown) : undefined,
  };
}

const webConf = (rig: Rig) =>
  dualConf(rig, {
    registry: { store: rig.store, service: 'web', tags: ['blue'], ports: [{ name: 'http', port: 80 }] },
  });

test('services, service and resolve show what is registered, without an agent', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const [v4 = '', v6 = ''] = ipsOf(await rig.add(webConf(rig), container));

  expect((await fairlead(rig, 'services', '--json')).json).toEqual([
    {
      namespace: 'default',
      service: 'web',
      instances: 2,
      healthy: 2,
      ports: ['http:80/tcp'],
      tags: ['blue'],
    },
  ]);
  expect((await fairlead(rig, 'service', 'WEB', '--json')).json).toMatchObject([
    { address: v4 },
    { address: v6 },
  ]);
  expect((await fairlead(rig, 'resolve', 'web', '--json')).json).toEqual([
    { name: `web.default.svc.${zone}`, type: 'A', data: v4 },
    { name: `web.default.svc.${zone}`, type: 'AAAA', data: v6 },
  ]);
  expect((await fairlead(rig, 'resolve', v4, '--json')).json).toMatchObject([
    { type: 'PTR', data: `${container}.net.${zone}` },
  ]);
  expect((await fairlead(rig, 'resolve', '_http._tcp.web', '--json')).json).toMatchObject([{ type: 'SRV' }]);
  expect((await fairlead(rig, 'resolve', 'web', '--type', 'TXT')).stdout).toContain('blue');
});

test('tables have no colours where there is no terminal', async () => {
  await using rig = await Rig.create();
  await rig.add(webConf(rig), await rig.container());

  const { stdout } = await fairlead(rig, 'services');

  expect(stdout).toMatch(
    /^NAMESPACE +SERVICE +HEALTHY +PORTS +TAGS\ndefault +web +2\/2 +http:80\/tcp +blue\n$/,
  );
});

test.each([
  { args: ['service', 'nobody'], says: /service "nobody" is not in namespace default; .*fairlead services/ },
  { args: ['resolve', 'nobody'], says: /nobody is not registered/ },
  { args: ['service', 'web', '--namespace', 'other'], says: /there is one in namespace default/ },
])('$args fails, and says what to do', async ({ args, says }) => {
  await using rig = await Rig.create();
  await rig.add(webConf(rig), await rig.container());

  const { status, stderr } = await fairlead(rig, ...args);

  expect([status, says.test(stderr)]).toEqual([1, true]);
});

test('a command that only looks makes no registry', async () => {
  await using rig = await Rig.create();

  const { status, stderr } = await fairlead(rig, 'services');

  expect([status, stderr]).toEqual([1, expect.stringContaining('there is no registry')]);
  expect(readdirSync(rig.dir)).toEqual([]);
});

test('registry repair leaves a sound registry alone, and sets a damaged one aside', async () => {
  await using rig = await Rig.create();
  await rig.add(webConf(rig), await rig.container());

  const sound = await fairlead(rig, 'registry', 'repair', '--json');
  writeFileSync(rig.store, 'x'.repeat(4096));
  const damaged = await fairlead(rig, 'services');
  const repaired = await fairlead(rig, 'registry', 'repair', '--json');

  expect(sound.json).toEqual({ store: rig.store });
  expect([damaged.status, damaged.stderr]).toEqual([1, expect.stringContaining('fairlead registry repair')]);
  expect(repaired.json).toMatchObject({ setAside: expect.stringContaining('.damaged-') });
  expect(readdirSync(rig.dir).some((name) => name.includes('.damaged-'))).toBe(true);
});

test('gc withdraws the name of a container that is proven dead', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  await rig.add(webConf(rig), container);
  await rig.remove(container);

  const freed = await fairlead(rig, 'gc', '--json', '--data-dir', rig.dataDir);

  expect(freed.json).toMatchObject({ names: [{ network: 'net', containerId: container }] });
  expect((await fairlead(rig, 'services', '--json')).json).toEqual([]);
});
