import { describe, expect, test } from 'vitest';
import { v4 } from '../support/confs.ts';
import { bridgeDoor, chainedDoor, mappingsOf, portmapHost, through } from '../support/portmap.ts';
import { startEcho, whoAnswers } from '../support/portmap-echo.ts';
import { countRules, ownElements } from '../support/portmap-table.ts';
import { mustInside } from '../support/process.ts';
import { addOutside, hostOutside } from '../support/traffic.ts';

const port = 18080;
const web = mappingsOf(port, ['tcp']);
const bothDoors = [bridgeDoor, chainedDoor];

describe.each(bothDoors)('CHECK, $name', (door) => {
  const element = 'delete element inet fairlead_portmap';
  test.each([
    ['a host port that is gone', `${element} portmap4 { tcp . ${port} }`, 'portmap4'],
    ['a pair of the bridge that is gone', `${element} portmap_near { "br0" . "br0" }`, 'portmap_near'],
    ['a chain without rules', 'flush chain inet fairlead_portmap portmap_in', 'portmap_in'],
    ['a chain of its own without rules', 'flush chain', 'own_'],
    ['a table that is gone', 'delete table inet fairlead_portmap', 'map portmap4 of'],
  ])('sees %s', async (_, command, told) => {
    await using rig = await portmapHost();
    const one = await rig.container();
    const wish = { portMappings: web, fields: { conditionsV4: ['!', '-d', '192.0.2.0/24'] } };
    await through(door, rig, 'ADD', one, wish);
    await through(door, rig, 'CHECK', one, wish);
    const chain = /goto":\{"target":"(own_\w+)"/.exec((await ownElements(rig)).join())?.[1] ?? '';
    await mustInside(
      rig.host,
      'nft',
      command === 'flush chain' ? `${command} inet fairlead_portmap ${chain}` : command,
    );

    const { status, error } = await door.call(rig, 'CHECK', one, wish);

    expect(status).toBe(1);
    expect(error?.code).toBe(999);
    expect(error?.msg).toContain(told);
  });

  test('sees that somebody has closed the way from 127.0.0.1', async () => {
    await using rig = await portmapHost();
    const one = await rig.container();
    await through(door, rig, 'ADD', one, { portMappings: web });
    await mustInside(rig.host, 'sysctl', '-qw', 'net.ipv4.conf.br0.route_localnet=0');

    const { error } = await door.call(rig, 'CHECK', one, { portMappings: web });

    expect(error?.msg).toContain('ipv4/conf/br0/route_localnet is 0');
  });
});

test('conditions decide who is led: who does not meet them reaches the host itself', async () => {
  await using rig = await portmapHost();
  const outside = await addOutside(rig);
  const one = await rig.container();
  const fields = {
    conditionsV4: ['!', '-s', `${v4.second}/32`, '!', '-d', '127.0.0.0/8', '-d', '0.0.0.0/0'],
    conditionsV6: ['iifname', '!=', '"up0"'],
  };
  await through(bridgeDoor, rig, 'ADD', one, { portMappings: web, fields });
  await using _one = await startEcho(one, 'one');
  await using _host = await startEcho(rig.host, 'host', { port });

  expect(await whoAnswers(outside.netns, { to: hostOutside.v4, port })).toBe(`one ${outside.v4}`);
  expect(await whoAnswers(rig.host, { to: '127.0.0.1', port })).toBe('host 127.0.0.1');
  expect(await whoAnswers(outside.netns, { to: hostOutside.v6, port })).toBe(`host ${outside.v6}`);
  expect(await whoAnswers(rig.host, { to: hostOutside.v6, port })).toMatch(/^one /);
  await through(bridgeDoor, rig, 'DEL', one, { portMappings: web, fields });
  expect(await countRules(rig)).toMatchObject({ ownChains: 0 });
  expect(await ownElements(rig)).toEqual([]);
});
