import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { HealthImplementation, type ServingStatusMap } from 'grpc-health-check';
import { expect, test } from 'vitest';
import { decodeCheckResponse, encodeCheckRequest } from '../../../lib/health/grpc-health-message.ts';
import { runProbe } from '../../../lib/health/probe.ts';
import type { ProbeTarget } from '../../../lib/health/probe-attempt.ts';

function ask(service: string, target: ProbeTarget) {
  const limits = { timeoutMs: 2_000, signal: new AbortController().signal };
  return runProbe({ kind: 'grpc', service }, target, limits);
}

/** A real gRPC server with the reference implementation of the protocol, or without it. */
async function serveGrpc(statuses: ServingStatusMap | undefined, address = '127.0.0.1') {
  const server = new Server();
  const health = new HealthImplementation(statuses);
  if (statuses !== undefined) health.addToServer(server);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const host = address.includes(':') ? `[${address}]` : address;
  server.bindAsync(`${host}:0`, ServerCredentials.createInsecure(), (error, port) =>
    error === null ? resolve(port) : reject(error),
  );
  return {
    health,
    target: { address, port: await promise },
    [Symbol.dispose]: () => server.forceShutdown(),
  };
}

test('a gRPC server is passing while it says SERVING of what is asked for', async () => {
  using server = await serveGrpc({ '': 'SERVING', 'shop.Cart': 'SERVING', 'shop.Pay': 'NOT_SERVING' });
  expect(await ask('', server.target)).toMatchObject({ ok: true, output: 'gRPC health: SERVING' });
  expect(await ask('shop.Cart', server.target)).toMatchObject({ ok: true });
  expect(await ask('shop.Pay', server.target)).toMatchObject({
    ok: false,
    output: 'gRPC health of shop.Pay: NOT_SERVING',
  });
  server.health.setStatus('shop.Cart', 'NOT_SERVING');
  expect(await ask('shop.Cart', server.target)).toMatchObject({ ok: false });
});

test('a service that the server does not know fails with that reason', async () => {
  using server = await serveGrpc({ '': 'SERVING' });
  const { ok, output } = await ask('shop.Nothing', server.target);
  expect(ok).toBe(false);
  expect(output).toContain('grpc-status 5 NOT_FOUND');
});

test('a server without the health service fails with that reason', async () => {
  using server = await serveGrpc(undefined);
  const { ok, output } = await ask('', server.target);
  expect(ok).toBe(false);
  expect(output).toContain('grpc-status 12 UNIMPLEMENTED');
});

test('a gRPC server is asked over IPv6, and by a name of 200 characters', async () => {
  const service = 's'.repeat(200);
  using server = await serveGrpc({ [service]: 'SERVING' }, '::1');
  expect(await ask(service, server.target)).toMatchObject({ ok: true });
});

test('an HTTP/2 server that speaks no gRPC fails with its status', async () => {
  const server = createServer();
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.respond({ ':status': 404 });
    stream.end('no such page');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const result = await ask('', { address: '127.0.0.1', port });
  server.close();
  expect(result).toMatchObject({ ok: false, output: 'gRPC health: HTTP status 404' });
});

const framed = (...message: readonly number[]) => Buffer.from([0, 0, 0, 0, message.length, ...message]);

test('a request is what protobuf makes of it', () => {
  expect(encodeCheckRequest('')).toEqual(framed());
  expect(encodeCheckRequest('ab')).toEqual(framed(0x0a, 2, 0x61, 0x62));
  expect([...encodeCheckRequest('s'.repeat(200)).subarray(0, 8)]).toEqual([
    0, 0, 0, 0, 203, 0x0a, 0xc8, 0x01,
  ]);
});

test('fields that a later version of the message may have are passed over', () => {
  const withUnknown = [0x12, 2, 9, 9, 0x19, 1, 2, 3, 4, 5, 6, 7, 8, 0x25, 1, 2, 3, 4, 0x30, 0x96, 0x01];
  expect(decodeCheckResponse(framed(...withUnknown, 0x08, 1))).toBe('SERVING');
  expect(decodeCheckResponse(framed(...withUnknown))).toBe('UNKNOWN');
  expect(decodeCheckResponse(framed(0x08, 77))).toBe('77');
});

test.each([
  ['no message at all', Buffer.alloc(0), 'holds no message'],
  ['a compressed message', Buffer.from([1, 0, 0, 0, 0]), 'compressed'],
  ['a message cut short', Buffer.from([0, 0, 0, 0, 9, 8]), 'cut short'],
  ['a number without end', framed(0x08, ...Array(12).fill(0xff)), 'number without end'],
  ['a group', framed(0x0b), 'wire type 3'],
])('%s is refused with its reason', (_name, message, reason) => {
  expect(() => decodeCheckResponse(message)).toThrow(reason);
});
