import { describe, expect, test } from 'vitest';
import type { Result } from '../../../lib/cni/result.ts';
import { parseResult } from '../../../lib/cni/result-parse.ts';
import type { Declaration } from '../../../lib/registry/declaration.ts';
import { defaultTiming } from '../../../lib/registry/health-check.ts';
import { isLabel } from '../../../lib/registry/label.ts';
import { type PlannedAttachment, planInstances } from '../../../lib/registry/plan.ts';

const attachment = { node: 'n1', network: 'net', containerId: 'c1', ifName: 'eth0' };
const v4 = { address: '10.1.0.2/24' };
const v6 = { address: 'fd00::2/64' };

function resultOf(ips: readonly object[], interfaces: readonly object[] = []): Result {
  return parseResult({ cniVersion: '1.1.0', interfaces, ips }, 'result', '1.1.0');
}

function plan(
  declaration: Declaration,
  said: { ips?: readonly object[]; of?: Partial<PlannedAttachment> } = {},
) {
  return planInstances({ ...attachment, ...said.of }, declaration, resultOf(said.ips ?? [v4]));
}

test('a container of which nothing is said is one instance under its id, without a port', () => {
  expect(plan({})).toEqual([
    {
      id: expect.stringMatching(/^c1-[0-9a-f]{8}$/),
      namespace: 'default',
      serviceName: 'c1',
      address: '10.1.0.2',
      family: 4,
      port: 0,
      portName: '',
      transport: 'tcp',
      weight: 1,
      tags: [],
      meta: {},
      endpoint: '',
      status: 'passing',
    },
  ]);
});

test('a long id is known by its first 12 characters', () => {
  const containerId = `default-${'0123456789abcdef'.repeat(4)}`;

  expect(plan({}, { of: { containerId } })).toMatchObject([
    { serviceName: '0123456789ab', id: expect.stringMatching(/^0123456789ab-[0-9a-f]{8}$/) },
  ]);
});

test('each address, and each port at it, is an instance of its own', () => {
  const ports = [
    { name: 'http', port: 80, transport: 'tcp' },
    { name: 'dns', port: 53, transport: 'udp' },
  ] as const;

  const planned = plan({ service: 'web', ports }, { ips: [v4, v6] });

  expect(
    planned.map(({ address, family, port, portName, transport }) => [
      address,
      family,
      port,
      portName,
      transport,
    ]),
  ).toEqual([
    ['10.1.0.2', 4, 80, 'http', 'tcp'],
    ['fd00::2', 6, 80, 'http', 'tcp'],
    ['10.1.0.2', 4, 53, 'dns', 'udp'],
    ['fd00::2', 6, 53, 'dns', 'udp'],
  ]);
  expect(planned.every(({ serviceName }) => serviceName === 'web')).toBe(true);
});

describe('what is said of one port', () => {
  const perPort = { 80: { service: 'web', tags: ['http'], meta: { a: 'port' } } };

  test('wins there, and only there', () => {
    const ports = [
      { name: '', port: 80, transport: 'tcp' },
      { name: '', port: 9100, transport: 'tcp' },
    ] as const;

    const planned = plan({ service: 'app', weight: 7, meta: { a: 'all', b: 'all' }, ports, perPort });

    expect(planned).toMatchObject([
      { port: 80, serviceName: 'web', weight: 7, tags: ['http'], meta: { a: 'port', b: 'all' } },
      { port: 9100, serviceName: 'app', weight: 7, tags: [], meta: { a: 'all', b: 'all' } },
    ]);
  });

  test('makes a port of it that nobody has declared', () => {
    expect(plan({ service: 'app', perPort })).toMatchObject([
      { port: 80, transport: 'tcp', serviceName: 'web' },
    ]);
  });

  test('can be that it is to be ignored', () => {
    const ports = [80, 9100].map((port) => ({ name: '', port, transport: 'tcp' as const }));

    expect(plan({ ports, perPort: { 9100: { ignore: true } } }).map(({ port }) => port)).toEqual([80]);
    expect(plan({ ports, ignore: true })).toEqual([]);
    expect(plan({ ignore: true })).toEqual([]);
  });
});

test('a check sets the status until its first result', () => {
  const check = { probe: { kind: 'tcp' }, ...defaultTiming } as const;

  expect(plan({ check })).toMatchObject([{ status: 'passing', check }]);
  expect(plan({ check: { ...check, initial: 'critical' } })).toMatchObject([{ status: 'critical' }]);
});

describe('ids', () => {
  const base = { service: 'web', ports: [{ name: '', port: 80, transport: 'tcp' }] } as const;
  const idOf = (declaration: Declaration = base, of: Partial<PlannedAttachment> = {}, ip: object = v4) =>
    plan(declaration, { of, ips: [ip] })[0]?.id ?? 'none';

  test('are the same for the same', () => {
    expect(idOf()).toBe(idOf());
  });

  test('do not depend on tags, metadata, weight or check: the instance stays the same', () => {
    const more = { ...base, tags: ['a'], meta: { a: 'b' }, weight: 9 };

    expect(idOf(more)).toBe(idOf());
  });

  test('differ for everything that makes another instance', () => {
    const ids = [
      idOf(),
      idOf(base, { node: 'n2' }),
      idOf(base, { network: 'net2' }),
      idOf(base, { containerId: 'c2' }),
      idOf(base, { ifName: 'eth1' }),
      idOf({ ...base, service: 'api' }),
      idOf({ ...base, ports: [{ name: '', port: 81, transport: 'tcp' }] }),
      idOf({ ...base, ports: [{ name: '', port: 80, transport: 'udp' }] }),
      idOf(base, {}, { address: '10.1.0.3/24' }),
      idOf(base, {}, v6),
    ];

    expect(new Set(ids).size).toBe(ids.length);
  });

  test('begin with the one that a label asks for, folded to a label', () => {
    expect(idOf({ ...base, id: 'Web.1' })).toMatch(/^web-1-[0-9a-f]{8}$/);
  });

  test('are labels, however long the name', () => {
    for (const length of [53, 54, 55, 63, 200]) {
      const id = idOf({ ...base, id: `${'a'.repeat(length - 1)}-` });
      expect(isLabel(id), id).toBe(true);
    }
  });

  test('of two names of one port at one address differ', () => {
    const ports = ['http', 'grpc', 'metrics'].map((name) => ({ name, port: 80, transport: 'tcp' as const }));

    expect(new Set(plan({ ports }).map(({ id }) => id)).size).toBe(3);
  });
});

describe('addresses', () => {
  const interfaces = [{ name: 'cni0' }, { name: 'veth1' }, { name: 'eth0', sandbox: '/run/netns/c1' }];
  const planned = (result: Result) => planInstances(attachment, {}, result).map(({ address }) => address);

  test("are those of the attachment's own interface where a result has several", () => {
    const result = resultOf(
      [
        { ...v4, interface: 2 },
        { address: '10.9.0.1/24', interface: 0 },
      ],
      interfaces,
    );

    expect(planned(result)).toEqual(['10.1.0.2']);
  });

  test('are all where they name no interface, as in a result before 0.3.0', () => {
    const old = { ip4: { ip: '10.1.0.2/24' } };

    expect(planned(parseResult(old, 'result', '0.2.0'))).toEqual(['10.1.0.2']);
    expect(planned(resultOf([v4, v6]))).toEqual(['10.1.0.2', 'fd00::2']);
  });
});
