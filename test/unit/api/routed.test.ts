import { describe, expect, test } from 'vitest';
import type { HostRelease } from '../../../lib/blocks/release-host.ts';
import { EtcdError } from '../../../lib/etcd/etcd.ts';
import { call, createRig } from './rig.ts';
import { bgp, ipam, routedParts, routes } from './routed-fixture.ts';

test('addresses, routes and neighbours are told as the agent has them', async () => {
  await using rig = await createRig(routedParts());

  const answers = await Promise.all(
    ['/v1/ipam', '/v1/routes', '/v1/bgp'].map((path) => call(rig.socket, `GET ${path}`)),
  );

  expect(answers.map(({ status, json }) => [status, json])).toEqual([
    [200, ipam],
    [200, routes],
    [200, bgp],
  ]);
});

test.each(['GET /v1/ipam', 'GET /v1/routes', 'GET /v1/bgp', 'DELETE /v1/ipam/hosts/beta'])(
  '%s where the machine has no blocks is 404, and says what gives it some',
  async (line) => {
    await using rig = await createRig();

    expect(await call(rig.socket, line)).toMatchObject({
      status: 404,
      json: { error: { hint: expect.stringContaining('block "blocks"') } },
    });
  },
);

test('neighbours where the agent writes the routes itself are 404, and what brings some is said', async () => {
  await using rig = await createRig(routedParts(undefined, { bgp: () => Promise.resolve(undefined) }));

  expect(await call(rig.socket, 'GET /v1/bgp')).toMatchObject({
    status: 404,
    json: { error: { hint: expect.stringContaining('"mode": "bird"') } },
  });
});

describe('a host that is to be released', () => {
  const released: HostRelease = {
    kind: 'released',
    node: 'node-b',
    blocks: ['10.50.0.64/26'],
    loans: ['10.50.0.9'],
  };

  test('is, by its name, and what it had is told', async () => {
    const { routed, asked } = routedParts(released);
    await using rig = await createRig({ routed });

    const answer = await call(rig.socket, 'DELETE /v1/ipam/hosts/beta%20two');

    expect(answer).toMatchObject({
      status: 200,
      json: { node: 'node-b', blocks: ['10.50.0.64/26'], loans: ['10.50.0.9'] },
    });
    expect(asked).toEqual(['beta two']);
  });

  test('is by force where that is said', async () => {
    const { routed, asked } = routedParts(released);
    await using rig = await createRig({ routed });

    await call(rig.socket, 'DELETE /v1/ipam/hosts/beta?force=1');

    expect(asked).toEqual(['beta by force']);
  });

  test.each<[HostRelease, number, string]>([
    [{ kind: 'unknown' }, 404, 'there is no host beta'],
    [{ kind: 'alive', name: 'beta' }, 409, 'beta is alive'],
    [{ kind: 'recent', name: 'beta', secondsAgo: 70 }, 409, 'beta was there 70 s ago'],
    [{ kind: 'ambiguous', nodes: ['node-b', 'node-c'] }, 409, 'node-b, node-c'],
  ])('is refused: %j', async (outcome, status, message) => {
    await using rig = await createRig(routedParts(outcome));

    expect(await call(rig.socket, 'DELETE /v1/ipam/hosts/beta')).toMatchObject({
      status,
      json: { error: { message: expect.stringContaining(message), hint: expect.any(String) } },
    });
  });

  test('while etcd is away is 503, and may be asked for again', async () => {
    const away = new EtcdError('unreachable', 'http://192.0.2.201:2379', 'etcd at 192.0.2.201: refused');
    await using rig = await createRig(routedParts(away));

    expect(await call(rig.socket, 'DELETE /v1/ipam/hosts/beta')).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
      json: { error: { message: expect.stringContaining('192.0.2.201') } },
    });
  });

  test('needs a token that may write, and that opens all namespaces', async () => {
    const { routed, asked } = routedParts(released);
    const tokens = [
      { name: 'reader', token: 'reader-0123456789', access: 'read' },
      { name: 'shop', token: 'shop-0123456789abc', access: 'write', namespaces: ['shop'] },
      { name: 'admin', token: 'admin-0123456789ab', access: 'write' },
    ] as const;
    const listen = [{ kind: 'tcp', address: '127.0.0.1', port: 0, tokens }] as const;
    await using rig = await createRig({ routed, listen });
    const ask = ({ token }: { token: string }) =>
      call(rig.api.addresses[0] ?? '', 'DELETE /v1/ipam/hosts/beta', {
        headers: { authorization: `Bearer ${token}` },
      });

    const answers = await Promise.all(tokens.map(ask));

    expect(answers.map(({ status }) => status)).toEqual([403, 403, 200]);
    expect(asked).toEqual(['beta']);
  });
});
