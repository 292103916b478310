import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import type { ApiRouted } from '../../../lib/api/parts.ts';
import { addBgp } from '../../../plugins/cli/bgp.ts';
import { addIpam } from '../../../plugins/cli/ipam.ts';
import { addRoutes } from '../../../plugins/cli/routes.ts';
import { createRig } from '../api/rig.ts';
import { bgp, ipam, routedParts, routes } from '../api/routed-fixture.ts';

/** Runs the commands against an API with these parts; what they print, without the spaces that align columns. */
async function fairlead(routed: ApiRouted | undefined, ...args: readonly string[]): Promise<string> {
  await using rig = await createRig(routed === undefined ? {} : { routed });
  let printed = '';
  const terminal = {
    writeStdout: (text: string) => {
      printed += text;
    },
    writeStderr: () => {},
    isTerminal: false,
  };
  const program = new Command('fairlead').exitOverride().configureOutput({ writeErr: () => {} });
  addIpam(program, terminal);
  addRoutes(program, terminal);
  addBgp(program, terminal);
  await program.parseAsync([...args, '--api', `unix:${rig.socket}`], { from: 'user' });
  return printed.replaceAll(/ +/g, ' ');
}

test.each<[string, object]>([
  ['ipam', ipam],
  ['routes', routes],
  ['bgp', bgp],
])('%s --json prints what the agent has told', async (command, told) => {
  expect(JSON.parse(await fairlead(routedParts().routed, command, '--json'))).toEqual(told);
});

test('ipam shows what is leased from here, the pools, whose blocks they are, and the hosts', async () => {
  const printed = await fairlead(routedParts().routed, 'ipam');

  expect(printed.split('\n')).toEqual([
    'here node-a, network routed: 10.50.0.0-10.50.0.8, 10.50.0.10-10.50.0.63',
    'leases 3 leased, 60 free, 7 reclaimed',
    'etcd connected http://192.0.2.201:2379',
    'suspect 10.50.0.5 since 2026-01-02T03:04:05.000Z: its namespace is gone',
    '',
    'POOL ADDRESSES BLOCKS TAKEN LEASED NAT',
    'main 10.50.0.0/24 4 of /26 2 5 outgoing',
    '',
    'BLOCK POOL HOST STATE LEASED LENT',
    '10.50.0.0/26 main alpha confirmed 3 of 64 10.50.0.9 to beta',
    '10.50.0.64/26 main beta (gone) confirmed 2 of 64 -',
    '',
    'HOST ID REACHED AT STATE BLOCKS LEASED',
    'alpha node-a 192.0.2.1 alive 1 3',
    'beta node-b 192.0.2.2 gone 1 2',
    '',
  ]);
});

test('blocks are in the order of their addresses, and hosts in that of their names', async () => {
  const [block, host] = [ipam.blocks[0], ipam.hosts[0]];
  if (block === undefined || host === undefined) throw new Error('there is neither block nor host');
  const blocks = ['10.50.0.128/26', '10.50.0.64/26'].map((cidr) => ({ ...block, cidr }));
  const hosts = ['host10', 'host9'].map((name) => ({ ...host, name }));
  const { routed } = routedParts(undefined, { ipam: () => ({ ...ipam, blocks, hosts }) });

  const printed = await fairlead(routed, 'ipam');

  expect(printed).toMatch(/\n10\.50\.0\.64.*\n10\.50\.0\.128.*\n/);
  expect(printed).toMatch(/\nhost9 .*\nhost10 /);
});

test('ipam of a cluster in which nothing is yet says so', async () => {
  const nothing = { ...ipam, pools: [], blocks: [], hosts: [], suspects: [] };
  const etcd = { endpoint: 'http://192.0.2.201:2379', isConnected: false, because: 'connection refused' };
  const share = { ranges: [], leased: 0, free: 0 };
  const { routed } = routedParts(undefined, { ipam: () => ({ ...nothing, etcd, share }) });

  const printed = await fairlead(routed, 'ipam');

  expect(printed).toContain('network routed: nothing yet\nleases 0 leased, 0 free');
  expect(printed).toContain('etcd away http://192.0.2.201:2379: connection refused\n\nno pool\n');
});

test('routes shows each way, that one is missing, and what stands in its way', async () => {
  const printed = await fairlead(routedParts().routed, 'routes');

  expect(printed.split('\n')).toEqual([
    'written by BIRD, over BGP',
    'announced 10.50.0.0/26',
    'repairs 2, last 2026-01-02T03:04:05.000Z: route 10.50.0.64/26',
    'problem 10.50.0.128/26 is routed to docker0 (protocol 2)',
    '',
    'TO HOST GATEWAY INTERFACE WAY STATE',
    '10.50.0.64/26 beta 192.0.2.2 eth0 bgp installed',
    '10.50.0.128/26 gamma - - none missing',
    '',
  ]);
});

test('bgp shows the neighbours with their states, and why a session is not there', async () => {
  const printed = await fairlead(routedParts().routed, 'bgp');

  expect(printed.split('\n')).toEqual([
    'daemon BIRD 2.0.12',
    'this host AS 64512, router id 192.0.2.1',
    'announced 10.50.0.0/26',
    '',
    'NEIGHBOUR HOST AS KIND STATE SINCE LEARNED',
    '192.0.2.2 beta 64512 mesh Established 12:00:01 1',
    '192.0.2.3 gamma 64512 mesh Active 12:00:02 0 Socket: Connection refused',
    '',
  ]);
});

test('a BIRD that does not answer is said, with what the agent has to say of it', async () => {
  const silent = { asn: 64_512, neighbours: [], announced: [], problems: ['BIRD does not answer'] };
  const { routed } = routedParts(undefined, { bgp: () => Promise.resolve(silent) });

  expect(await fairlead(routed, 'bgp')).toMatch(
    /^daemon does not answer\n.*\n.*\nproblem BIRD does not answer\n/,
  );
});

test('what others have named moves no cursor', async () => {
  const hosts = [{ ...ipam.hosts[0], name: 'a\u001b[2J' }] as typeof ipam.hosts;
  const { routed } = routedParts(undefined, { ipam: () => ({ ...ipam, hosts }) });

  expect(await fairlead(routed, 'ipam')).toContain('a\\u001b[2J node-a');
});

describe('ipam release-host', () => {
  const released = { kind: 'released', node: 'node-b', blocks: ['10.50.0.64/26'], loans: [] } as const;

  test('releases a host, and says what is free now', async () => {
    const { routed, asked } = routedParts(released);

    const printed = await fairlead(routed, 'ipam', 'release-host', 'beta');

    expect(printed).toBe('host beta is released: free now: the blocks 10.50.0.64/26\n');
    expect(asked).toEqual(['beta']);
  });

  test('takes --force and --json', async () => {
    const { routed, asked } = routedParts(released);

    const printed = await fairlead(routed, 'ipam', 'release-host', 'beta', '--force', '--json');

    expect(JSON.parse(printed)).toEqual({ node: 'node-b', blocks: ['10.50.0.64/26'], loans: [] });
    expect(asked).toEqual(['beta by force']);
  });

  test('of a host that is alive is refused, with what to do', async () => {
    const { routed } = routedParts({ kind: 'alive', name: 'beta' });

    await expect(fairlead(routed, 'ipam', 'release-host', 'beta')).rejects.toThrow(
      /409 beta is alive.*its containers must be stopped, not only its agent/,
    );
  });
});

test('where the machine has no blocks the command says what gives it some', async () => {
  await expect(fairlead(undefined, 'ipam')).rejects.toThrow('block "blocks"');
});
