import { describe, expect, test } from 'vitest';
import { requireReference } from '../support/binaries.ts';
import { v4, v6 } from '../support/confs.ts';
import { readSysctl, writeSysctl } from '../support/kernel.ts';
import { bridgeDoor, doors, mappingsOf, portmapHost, through } from '../support/portmap.ts';
import { hasSctp, startEcho, whoAnswers } from '../support/portmap-echo.ts';
import { mustInside } from '../support/process.ts';
import { skipUnless } from '../support/skip.ts';
import { addOutside, hostOutside } from '../support/traffic.ts';

const port = 18080;

describe.each(doors)('host ports $name', (door) => {
  test.for(['tcp', 'udp', 'sctp'] as const)(
    'lead to the container by %s, from outside with the caller’s address, from the host and its loopback address, from a neighbour and from itself',
    async (protocol, context) => {
      requireReference(context, ...door.needs);
      await using rig = await portmapHost();
      skipUnless(context, protocol !== 'sctp' || (await hasSctp(rig.host)), 'this kernel has no SCTP');
      const outside = await addOutside(rig);
      const [one, other] = [await rig.container(), await rig.container()];
      const main = { hairpinMode: true };
      await through(door, rig, 'ADD', one, { portMappings: mappingsOf(port, [protocol]), main });
      await through(door, rig, 'ADD', other, { portMappings: [], main });
      await using _server = await startEcho(one, 'one', { protocols: [protocol] });
      const [[first4, first6] = ['', '']] = door.addresses;

      const ask = (from: string, to: string) => whoAnswers(from, { to, port, protocol });
      const askEach = (from: string) =>
        Promise.all([ask(from, hostOutside.v4), ask(from, hostOutside.v6)] as const);
      const [fromOutside, fromHost, fromLoopback, fromNeighbour, fromItself] = await Promise.all([
        askEach(outside.netns),
        askEach(rig.host),
        ask(rig.host, '127.0.0.1'),
        askEach(other),
        askEach(one),
      ]);

      const byOne = expect.stringMatching(/^one /);
      expect({ fromOutside, fromHost, fromLoopback, fromNeighbour, fromItself }).toEqual({
        fromOutside: [`one ${outside.v4}`, `one ${outside.v6}`],
        fromHost: [byOne, byOne],
        fromLoopback: byOne,
        fromNeighbour: [byOne, byOne],
        fromItself: [byOne, byOne],
      });
      // The container must not take itself for the caller: it would answer past the host.
      for (const answer of fromItself) expect([`one ${first4}`, `one ${first6}`]).not.toContain(answer);
      await through(door, rig, 'CHECK', one, { portMappings: mappingsOf(port, [protocol]), main });
      await through(door, rig, 'DEL', one, { portMappings: mappingsOf(port, [protocol]), main });
      expect(await ask(outside.netns, hostOutside.v4)).toBe('nobody');
    },
  );
});

const nfCall = 'bridge/bridge-nf-call-iptables';

// Where the host filters what crosses a bridge, it leads neighbours back itself; a port that sends back needs hairpinMode.
test.each([
  { value: '0', hairpinMode: false, neighbour: [v4.gateway, v6.gateway] },
  { value: '1', hairpinMode: true, neighbour: [v4.second, v6.second] },
])(
  'neighbours of a bridge and the container itself reach its host port (bridge-nf-call-iptables=$value, hairpinMode $hairpinMode)',
  async ({ value, hairpinMode, neighbour }) => {
    await using rig = await portmapHost();
    if ((await readSysctl(rig.host, nfCall)) !== undefined) {
      await writeSysctl(rig.host, nfCall, value);
      await writeSysctl(rig.host, nfCall.replace('iptables', 'ip6tables'), value);
    }
    const [one, other] = [await rig.container(), await rig.container()];
    const wish = { portMappings: mappingsOf(port, ['tcp']), main: { hairpinMode } };
    await through(bridgeDoor, rig, 'ADD', one, wish);
    await through(bridgeDoor, rig, 'ADD', other, { portMappings: [], main: { hairpinMode } });
    await using _server = await startEcho(one, 'one');

    const answers: string[] = [];
    for (const from of [other, one])
      for (const to of [v4.gateway, v6.gateway]) answers.push(await whoAnswers(from, { to, port }));

    expect(answers).toEqual([...neighbour, v4.gateway, v6.gateway].map((source) => `one ${source}`));
  },
);

test('a container of another network reaches a host port, and keeps its address', async () => {
  await using rig = await portmapHost();
  const [one, other] = [await rig.container(), await rig.container()];
  await through(bridgeDoor, rig, 'ADD', one, { portMappings: mappingsOf(port, ['tcp']) });
  const ipam = { type: 'host-local', dataDir: rig.dataDir, ranges: [[{ subnet: '10.33.0.0/24' }]] };
  await through(bridgeDoor, rig, 'ADD', other, {
    portMappings: [],
    main: { name: 'second', bridge: 'br1', ipam },
  });
  await using _server = await startEcho(one, 'one');

  expect(await whoAnswers(other, { to: v4.gateway, port })).toBe('one 10.33.0.2');
});

describe('a mapping with a host address', () => {
  test('leads from there only, and before one for all addresses', async () => {
    await using rig = await portmapHost();
    const outside = await addOutside(rig);
    const [one, other] = [await rig.container(), await rig.container()];
    const [all] = mappingsOf(port, ['tcp']);
    if (all === undefined) throw new Error('no mapping');
    const special = [hostOutside.v4, hostOutside.v6].map((hostIP) => ({ ...all, hostIP }));
    await through(bridgeDoor, rig, 'ADD', one, { portMappings: special });
    await using _one = await startEcho(one, 'one');
    const alone = await whoAnswers(rig.host, { to: '127.0.0.1', port });
    await through(bridgeDoor, rig, 'ADD', other, { portMappings: [all] });
    await using _other = await startEcho(other, 'other');

    expect(alone).toBe('nobody');
    expect(await whoAnswers(outside.netns, { to: hostOutside.v4, port })).toBe(`one ${outside.v4}`);
    expect(await whoAnswers(outside.netns, { to: hostOutside.v6, port })).toBe(`one ${outside.v6}`);
    expect(await whoAnswers(rig.host, { to: '127.0.0.1', port })).toBe(`other ${v4.gateway}`);
  });

  test('that means all of a family leads from all of that family only', async () => {
    await using rig = await portmapHost();
    const outside = await addOutside(rig);
    const one = await rig.container();
    const portMappings = [{ hostPort: port, containerPort: 80, hostIP: '0.0.0.0' }];
    await through(bridgeDoor, rig, 'ADD', one, { portMappings });
    await using _one = await startEcho(one, 'one');

    expect(await whoAnswers(outside.netns, { to: hostOutside.v4, port })).toBe(`one ${outside.v4}`);
    expect(await whoAnswers(outside.netns, { to: hostOutside.v6, port })).toBe('nobody');
  });
});

describe('the source of what comes by a host port', () => {
  test.each([
    ['masqAll', { masqAll: true }, [v4.gateway, v4.gateway, v4.gateway]],
    ['snat: false', { snat: false }, ['203.0.113.2', undefined, undefined]],
  ])('with %s', async (_, fields, [fromOutside, fromLoopback, fromItself]) => {
    await using rig = await portmapHost();
    const outside = await addOutside(rig);
    const [one, other] = [await rig.container(), await rig.container()];
    const main = { hairpinMode: true };
    await through(bridgeDoor, rig, 'ADD', one, { portMappings: mappingsOf(port, ['tcp']), fields, main });
    // Its host ports have loopback addresses routed on the bridge that both share.
    await through(bridgeDoor, rig, 'ADD', other, { portMappings: mappingsOf(port + 1, ['tcp']), main });
    await using _server = await startEcho(one, 'one');

    const told = (source: string | undefined) => (source === undefined ? 'nobody' : `one ${source}`);
    expect(await whoAnswers(outside.netns, { to: hostOutside.v4, port })).toBe(told(fromOutside));
    expect(await whoAnswers(rig.host, { to: '127.0.0.1', port })).toBe(told(fromLoopback));
    expect(await whoAnswers(one, { to: v4.gateway, port })).toBe(told(fromItself));
  });
});

describe.each(doors)('what listens for the host alone', (door) => {
  test(`is not reached from a container whose host ports lead by 127.0.0.1, ${door.name}`, async (context) => {
    requireReference(context, ...door.needs);
    await using rig = await portmapHost();
    const one = await rig.container();
    await through(door, rig, 'ADD', one, { portMappings: mappingsOf(port, ['tcp']) });
    await using _host = await startEcho(rig.host, 'host', { protocols: ['tcp'], port: 8053 });
    await mustInside(one, 'ip', 'addr', 'flush', 'dev', 'lo');
    const gateway = door.addresses[0]?.[0].startsWith('10.50') ? '169.254.1.1' : v4.gateway;
    await mustInside(one, 'ip', 'route', 'add', '127.0.0.0/8', 'via', gateway, 'dev', 'eth0');
    await writeSysctl(one, 'ipv4/conf/eth0/route_localnet', '1');
    const ask = () => whoAnswers(one, { to: '127.0.0.1', port: 8053 });

    const guarded = await ask();
    await mustInside(rig.host, 'nft', 'flush', 'ruleset');
    const open = await ask();

    // Without the guard the way is open: the test would see it.
    expect([guarded, open]).toEqual(['nobody', expect.stringMatching(/^host /)]);
  });
});
