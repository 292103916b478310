import { rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isResident, limitMs, rounds } from '../support/binaries.ts';
import { ipamConf, v4, v6 } from '../support/confs.ts';
import { linkNames } from '../support/kernel.ts';
import { leftovers, nothing } from '../support/leftovers.ts';
import { bridgeDoor, chainedDoor, mappingsOf, portmapHost, through } from '../support/portmap.ts';
import { startEcho, whoAnswers } from '../support/portmap-echo.ts';
import { countRules, ownElements, recordsOf } from '../support/portmap-table.ts';
import { mustInside } from '../support/process.ts';
import { Random } from '../support/random.ts';
import type { Conf, Rig } from '../support/rig.ts';
import { addOutside, hostOutside } from '../support/traffic.ts';

const port = 18080;
const web = mappingsOf(port, ['tcp']);
const dns = mappingsOf(port, ['udp']);
const bothDoors = [bridgeDoor, chainedDoor];

/** A second network on a bridge of its own. */
function secondNetwork(rig: Rig): Conf {
  const ipam = ipamConf(rig, [[{ subnet: '10.33.0.0/24' }]]);
  return { name: 'second', bridge: 'br1', isDefaultGateway: false, isGateway: true, ipam };
}

describe.each(bothDoors)('a host port that somebody has, $name', (door) => {
  test('is refused to the next, naming who has it, and nothing of that ADD stays', async () => {
    await using rig = await portmapHost();
    const [one, other] = [await rig.container(), await rig.container()];
    await through(door, rig, 'ADD', one, { portMappings: web });
    const before = await ownElements(rig);
    const wish = { portMappings: [...mappingsOf(port + 1, ['tcp']), ...web] };

    const { status, error } = await door.call(rig, 'ADD', other, wish);

    expect(status).toBe(1);
    expect(error?.msg).toContain(`host port ${port}/tcp is taken: net/${one}/eth0 has it`);
    expect(await ownElements(rig)).toEqual(before);
    await through(door, rig, 'DEL', other, wish);
    expect(await ownElements(rig)).toEqual(before);
    await through(door, rig, 'DEL', one, { portMappings: web });
    expect(await leftovers(rig)).toEqual(nothing);
    await through(door, rig, 'ADD', other, wish);
  });

  test('is free again after DEL without namespace and mappings, and DEL succeeds twice', async () => {
    await using rig = await portmapHost();
    const [one, other] = [await rig.container(), await rig.container()];
    await through(door, rig, 'ADD', one, { portMappings: web });
    await rig.remove(one);
    const options = { env: { CNI_NETNS: '' } };

    await through(door, rig, 'DEL', one, { portMappings: [], options });
    await through(door, rig, 'DEL', one, { portMappings: [], options });

    expect(await ownElements(rig)).toEqual([]);
    await through(door, rig, 'ADD', other, { portMappings: web });
  });

  test('goes with DEL also where nothing is recorded of it', async () => {
    await using rig = await portmapHost();
    const [one, other] = [await rig.container(), await rig.container()];
    await through(door, rig, 'ADD', one, {
      portMappings: web,
      fields: { conditionsV4: ['-s', '10.0.0.0/8'] },
    });
    await through(door, rig, 'ADD', other, { portMappings: dns });
    const all = await ownElements(rig);
    rmSync(recordsOf(rig), { recursive: true });

    await through(door, rig, 'DEL', one, { portMappings: web });

    expect(await ownElements(rig)).toEqual(all.filter((text) => !text.includes(`/${one}/`)));
    expect((await countRules(rig)).ownChains).toBe(0);
  });
});

test('two networks of one container have host ports of their own: DEL of one leaves the other', async () => {
  await using rig = await portmapHost();
  const outside = await addOutside(rig);
  const one = await rig.container();
  const second = {
    portMappings: mappingsOf(port + 1, ['tcp']),
    main: secondNetwork(rig),
    options: { ifName: 'eth1' },
  };
  await through(bridgeDoor, rig, 'ADD', one, { portMappings: web });
  await through(bridgeDoor, rig, 'ADD', one, second);
  await using _server = await startEcho(one, 'one');

  const before = await whoAnswers(rig.host, { to: '127.0.0.1', port: port + 1 });
  await through(bridgeDoor, rig, 'DEL', one, second);

  expect(before).toBe('one 10.33.0.1');
  expect(await whoAnswers(outside.netns, { to: hostOutside.v4, port })).toBe(`one ${outside.v4}`);
  expect(await whoAnswers(rig.host, { to: '127.0.0.1', port: port + 1 })).toBe('nobody');
});

test.each(bothDoors)('a UDP sender follows its host port to the next container, $name', async (door) => {
  await using rig = await portmapHost();
  const outside = await addOutside(rig);
  const [one, other] = [await rig.container(), await rig.container()];
  const ask = () => whoAnswers(outside.netns, { to: hostOutside.v4, port, protocol: 'udp', fromPort: 5555 });
  await using _one = await startEcho(one, 'one');
  await using _other = await startEcho(other, 'other');
  await through(door, rig, 'ADD', one, { portMappings: dns });

  const before = await ask();
  await through(door, rig, 'DEL', one, { portMappings: dns });
  const between = await ask();
  await through(door, rig, 'ADD', other, { portMappings: dns });

  expect([before, between, await ask()]).toEqual([`one ${outside.v4}`, 'nobody', `other ${outside.v4}`]);
});

test.each(bothDoors)('GC frees the host ports of those who are not valid any more, $name', async (door) => {
  await using rig = await portmapHost();
  const [one, other] = await rig.containers(2);
  if (one === undefined || other === undefined) throw new Error('no containers');
  await through(door, rig, 'ADD', one, { portMappings: web });
  await through(door, rig, 'ADD', other, { portMappings: dns });
  const all = await ownElements(rig);
  const valid = { 'cni.dev/valid-attachments': [{ containerID: one, ifname: 'eth0' }] };
  const type = door === chainedDoor ? 'portmap' : 'bridge';
  const ipam = ipamConf(rig, [[{ subnet: v4.subnet }], [{ subnet: v6.subnet }]]);

  const { status } = await rig.cni(
    'GC',
    { cniVersion: '1.1.0', name: 'net', type, bridge: 'br0', ipam, ...valid },
    one,
  );

  expect(status).toBe(0);
  expect(await ownElements(rig)).toEqual(all.filter((text) => text.includes(`/${one}/`)));
});

test('an ADD writes again what a foreign program has flushed', async () => {
  await using rig = await portmapHost();
  const outside = await addOutside(rig);
  const [one, other] = [await rig.container(), await rig.container()];
  await through(bridgeDoor, rig, 'ADD', one, { portMappings: web });
  await mustInside(rig.host, 'nft', 'flush', 'ruleset');

  await through(bridgeDoor, rig, 'ADD', other, { portMappings: dns });

  await using _other = await startEcho(other, 'other');
  expect(await whoAnswers(outside.netns, { to: hostOutside.v4, port, protocol: 'udp' })).toBe(
    `other ${outside.v4}`,
  );
  await through(bridgeDoor, rig, 'DEL', one, { portMappings: web });
});

describe.each(bothDoors)(
  'a host port that a container has taken since a foreign program flushed it',
  (door) => {
    test(`stays at DEL of who had it before, ${door.name}`, async () => {
      await using rig = await portmapHost();
      const [one, other] = [await rig.container(), await rig.container()];
      await through(door, rig, 'ADD', one, { portMappings: web });
      await mustInside(rig.host, 'nft', 'flush', 'ruleset');
      await through(door, rig, 'ADD', other, { portMappings: web });
      const all = await ownElements(rig);

      await through(door, rig, 'DEL', one, { portMappings: web });

      expect(await ownElements(rig)).toEqual(all.filter((text) => text.includes(`/${other}/`)));
      await using _other = await startEcho(other, 'other');
      expect(await whoAnswers(rig.host, { to: '127.0.0.1', port })).toMatch(/^other /);
    });
  },
);

const kills = rounds({ short: 12, soak: 200 });

test(`an ADD that is killed leaves nothing after its DEL (${kills} rounds)`, {
  timeout: limitMs(kills, 3_000),
}, async () => {
  await using rig = await portmapHost();
  const random = new Random();
  const one = await rig.container();
  const portMappings = [...web, ...dns];
  let killed = 0;
  for (let round = 0; round < kills; round++) {
    const door = round % 2 === 0 ? bridgeDoor : chainedDoor;
    const timeoutMs = 5 + random.below(60);
    const { status } = await door.call(rig, 'ADD', one, { portMappings, options: { timeoutMs } });
    if (status === 'SIGKILL') killed++;

    await through(door, rig, 'DEL', one, { portMappings });

    const where = `round ${round}: ADD killed after ${timeoutMs} ms (SEED=${random.seed})`;
    expect(await ownElements(rig), where).toEqual([]);
    expect(await leftovers(rig), where).toEqual(nothing);
    expect(await linkNames(one), where).toEqual([]);
  }
  // A call by the agent is over before most of its callers are killed.
  if (!isResident) expect(killed).toBeGreaterThan(kills / 2);
});
