import { expect, test } from 'vitest';
import type { Outcome } from '../../lib/exec/command.ts';
import { must, mustInside, run } from '../support/process.ts';
import { Rig } from '../support/rig.ts';

const python = '/usr/bin/python3';
const loopback = { 4: '127.0.0.1', 6: '::1' } as const;
/** What a host port leads to before and after a change of the rules. */
const [before, after] = [6001, 6002];

const sender = `
import select, socket, sys
to, port, sources = sys.argv[1], int(sys.argv[2]), range(int(sys.argv[3]), int(sys.argv[4]))
family = socket.AF_INET6 if ":" in to else socket.AF_INET
def bound(port):
    one = socket.socket(family, socket.SOCK_DGRAM)
    one.bind(("", port))
    return one
servers = [bound(${before}), bound(${after})]
for source in sources:
    with bound(source) as client: client.sendto(b"x", (to, port))
heard = select.select(servers, [], [], 2)[0]
print(heard[0].getsockname()[1])
`;

/** Sends a datagram from each of the source ports. @returns the port at which the host hears the first */
async function send(rig: Rig, { to, port, from, count = 1 }: Sent): Promise<number> {
  const args = [to, `${port}`, `${from}`, `${from + count}`];
  return Number(await mustInside(rig.host, python, '-c', sender, ...args));
}

type Sent = { readonly to: string; readonly port: number; readonly from: number; readonly count?: number };

/** Has datagrams to the host ports led to a port, as a port map does. */
async function leadTo(rig: Rig, port: number): Promise<void> {
  const rules = [
    'add table inet maps',
    'delete table inet maps',
    'table inet maps {',
    '  chain output {',
    '    type nat hook output priority -100',
    `    udp dport { 5000, 5001 } redirect to :${port}`,
    '  }',
    '}',
  ];
  await must('ip', ['netns', 'exec', rig.host, 'nft', '-f', '-'], `${rules.join('\n')}\n`);
}

async function createHost(): Promise<Rig> {
  const rig = await Rig.create();
  await mustInside(rig.host, 'ip', 'link', 'set', 'dev', 'lo', 'up');
  await leadTo(rig, before);
  return rig;
}

/** In a process of its own, as a plugin does: a thread of the tests must not leave its namespace. */
function forget(rig: Rig, flows: readonly object[], ...limitMs: readonly string[]): Promise<Outcome> {
  const program = `${import.meta.dirname}/../support/forget-flows.ts`;
  const call = [process.execPath, '--no-warnings', program, JSON.stringify(flows), ...limitMs];
  return run({ file: 'ip', args: ['netns', 'exec', rig.host, ...call] });
}

async function connections(rig: Rig, port: number): Promise<number> {
  const table = await mustInside(rig.host, 'cat', '/proc/net/nf_conntrack');
  return table.split('\n').filter((line) => new RegExp(`^\\S+ +\\d+ udp .*?dport=${port} `).test(line))
    .length;
}

test.each([4, 6] as const)('a UDP flow over IPv%d goes its old way until it is forgotten', async (family) => {
  await using rig = await createHost();
  const flow = { to: loopback[family], port: 5000, from: 7000 };
  const other = { to: loopback[family], port: 5001, from: 7001 };
  expect([await send(rig, flow), await send(rig, other)]).toEqual([before, before]);
  await leadTo(rig, after);
  expect(await send(rig, flow)).toBe(before);

  expect(await forget(rig, [{ protocol: 'udp', family, port: 5000 }])).toMatchObject({ status: 0 });

  expect([await send(rig, flow), await send(rig, other)]).toEqual([after, before]);
});

test('flows of both families and of several ports are forgotten at once', async () => {
  await using rig = await createHost();
  const sent = ([4, 6] as const).flatMap((family) =>
    [5000, 5001].map((port) => ({ family, to: loopback[family], port, from: 7000 + port })),
  );
  for (const one of sent) await send(rig, one);
  await leadTo(rig, after);

  const flows = sent.map(({ family, port }) => ({ protocol: 'udp', family, port }));
  expect(
    await forget(
      rig,
      flows.filter(({ port }) => port === 5000),
    ),
  ).toMatchObject({ status: 0 });
  expect([await connections(rig, 5000), await connections(rig, 5001)]).toEqual([0, 2]);
  expect(await forget(rig, [...flows, { protocol: 'sctp', family: 4, port: 5001 }])).toMatchObject({
    status: 0,
  });

  expect([await connections(rig, 5000), await connections(rig, 5001)]).toEqual([0, 0]);
});

test('only the flows to one destination address are forgotten where one is named', async () => {
  await using rig = await createHost();
  await mustInside(rig.host, 'ip', 'addr', 'add', '127.0.0.9/8', 'dev', 'lo');
  for (const to of ['127.0.0.1', '127.0.0.9']) await send(rig, { to, port: 5000, from: 7000 });

  const flow = { protocol: 'udp', family: 4, port: 5000, address: '127.0.0.9' };
  expect(await forget(rig, [flow])).toMatchObject({ status: 0 });

  const table = await mustInside(rig.host, 'cat', '/proc/net/nf_conntrack');
  expect(table).toContain('dst=127.0.0.1 sport=7000 dport=5000');
  expect(table).not.toContain('dst=127.0.0.9 sport=7000 dport=5000');
});

test('a flow in a zone of its own is forgotten', async () => {
  await using rig = await createHost();
  const rule = ['udp', 'dport', '5000', 'ct', 'zone', 'set', '5'];
  const hook = '{ type filter hook output priority raw ; }';
  await mustInside(rig.host, 'nft', 'add', 'table', 'inet', 'zones');
  await mustInside(rig.host, 'nft', `add chain inet zones output ${hook}`);
  await mustInside(rig.host, 'nft', 'add', 'rule', 'inet', 'zones', 'output', ...rule);
  await send(rig, { to: loopback[4], port: 5000, from: 7000 });
  expect(await mustInside(rig.host, 'cat', '/proc/net/nf_conntrack')).toContain('zone=5');

  expect(await forget(rig, [{ protocol: 'udp', family: 4, port: 5000 }])).toMatchObject({ status: 0 });

  expect(await connections(rig, 5000)).toBe(0);
});

test('of a large table thousands of flows are forgotten, and another port’s stay', async () => {
  await using rig = await createHost();
  await send(rig, { to: loopback[4], port: 5000, from: 10_000, count: 3000 });
  await send(rig, { to: loopback[4], port: 5001, from: 10_000, count: 2000 });
  expect([await connections(rig, 5000), await connections(rig, 5001)]).toEqual([3000, 2000]);
  const flows = ([4, 6] as const).map((family) => ({ protocol: 'udp', family, port: 5000 }));

  expect(await forget(rig, flows)).toMatchObject({ status: 0 });

  expect([await connections(rig, 5000), await connections(rig, 5001)]).toEqual([0, 2000]);
});

test('a kernel that does not answer in time is given up, and nothing is forgotten', async () => {
  await using rig = await createHost();
  await send(rig, { to: loopback[4], port: 5000, from: 7000 });

  const outcome = await forget(rig, [{ protocol: 'udp', family: 4, port: 5000 }], '0.001');

  expect(outcome.status).not.toBe(0);
  expect(outcome.stderr).toContain('netfilter has not answered in time');
  expect(await connections(rig, 5000)).toBe(1);
});
