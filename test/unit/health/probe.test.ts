import type { RequestListener } from 'node:http';
import { expect, test } from 'vitest';
import { runProbe, toPrintable } from '../../../lib/health/probe.ts';
import type { ActiveProbe, ProbeTarget } from '../../../lib/health/probe-attempt.ts';
import { closedPort, serveHttp, serveHttps, serveTcp } from './servers.ts';

const http: ActiveProbe = { kind: 'http', scheme: 'http', path: '/health' };
const https: ActiveProbe = { kind: 'http', scheme: 'https', path: '/health' };
const tcp: ActiveProbe = { kind: 'tcp' };

function ask(probe: ActiveProbe, target: ProbeTarget, timeoutMs = 2_000) {
  return runProbe(probe, target, { timeoutMs, signal: new AbortController().signal });
}

const answering =
  (status: number, body = ''): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { location: '/elsewhere' });
    response.end(body);
  };

test.each([
  [200, true],
  [204, true],
  [299, true],
  [301, false],
  [304, false],
  [404, false],
  [500, false],
  [503, false],
])('an HTTP status of %i counts as %s', async (status, ok) => {
  await using server = await serveHttp(answering(status));
  const result = await ask(http, server.target);
  expect(result).toMatchObject({ ok, output: expect.stringContaining(`HTTP status ${status}`) });
  expect(server.connections()).toBe(1);
});

test('an HTTP probe asks for its path with the address as Host, and keeps nothing open', async () => {
  const seen: unknown[] = [];
  await using server = await serveHttp((request, response) => {
    seen.push([request.method, request.url, request.headers.host, request.headers.connection]);
    response.end('fine');
  });
  const result = await ask({ ...http, path: '/up?deep=1' }, server.target);
  expect(result).toMatchObject({ ok: true, output: 'HTTP status 200 OK: fine' });
  expect(seen).toEqual([['GET', '/up?deep=1', `127.0.0.1:${server.target.port}`, 'close']]);
});

test('an IPv6 address is asked, and stands in brackets in Host', async () => {
  let host: string | undefined;
  await using server = await serveHttp((request, response) => {
    host = request.headers.host;
    response.end();
  }, '::1');
  expect(await ask(http, server.target)).toMatchObject({ ok: true });
  expect(host).toBe(`[::1]:${server.target.port}`);
});

test("the probe's own port is asked instead of the instance's", async () => {
  await using server = await serveHttp(answering(200));
  const elsewhere = { address: '127.0.0.1', port: 0 };
  expect(await ask({ ...http, port: server.target.port }, elsewhere)).toMatchObject({ ok: true });
});

test('of a long body 4 KiB are read and 1 KiB is kept', async () => {
  let written = 0;
  await using server = await serveHttp((_request, response) => {
    const timer = setInterval(() => {
      written += 65_536;
      response.write('x'.repeat(65_536));
    }, 1);
    response.once('close', () => clearInterval(timer));
  });
  const { ok, output } = await ask(http, server.target);
  expect(ok).toBe(true);
  expect(output).toHaveLength(1_024);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const writtenThen = written;
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(written).toBe(writtenThen);
});

test('the status decides although the body does not end in time', async () => {
  await using server = await serveHttp((_request, response) => {
    response.writeHead(200);
    response.write('begun');
  });
  expect(await ask(http, server.target, 200)).toMatchObject({
    ok: true,
    output: 'HTTP status 200 OK: begun',
  });
});

test('the status decides although the connection breaks within the body', async () => {
  await using server = await serveHttp((_request, response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('begun', () => response.destroy());
  });
  expect(await ask(http, server.target)).toMatchObject({ ok: true });
});

test.each<[string, ActiveProbe]>([
  ['http', http],
  ['https', https],
  ['tcp', tcp],
  ['grpc', { kind: 'grpc', service: '' }],
])('a %s probe of a closed port fails and says so', async (_name, probe) => {
  const result = await ask(probe, await closedPort());
  expect(result).toMatchObject({ ok: false, output: expect.stringContaining('ECONNREFUSED') });
});

test.each<[string, ActiveProbe]>([
  ['http', http],
  ['https', https],
  ['grpc', { kind: 'grpc', service: '' }],
])(
  'a %s probe that gets no answer fails after its timeout and closes the connection',
  async (_name, probe) => {
    const closed = Promise.withResolvers<void>();
    await using server = await serveTcp((socket) => {
      socket.resume();
      socket.once('close', () => closed.resolve());
    });
    const result = await ask(probe, server.target, 150);
    expect(result).toMatchObject({ ok: false, output: 'no answer within 150 ms' });
    expect(result.latencyMs).toBeGreaterThanOrEqual(149);
    expect(result.latencyMs).toBeLessThan(1_000);
    await closed.promise;
  },
);

test.each<[string, ActiveProbe]>([
  ['http', http],
  ['https', https],
  ['grpc', { kind: 'grpc', service: '' }],
])('a %s probe fails when something else than that protocol answers', async (_name, probe) => {
  await using server = await serveTcp((socket) => socket.end('220 mail.example ESMTP\r\n'));
  const { ok, output } = await ask(probe, server.target);
  expect(ok).toBe(false);
  expect(output).not.toBe('');
});

test('a probe fails when the server closes the connection without a word', async () => {
  await using server = await serveTcp((socket) => socket.destroy());
  expect(await ask(http, server.target)).toMatchObject({ ok: false });
  expect(await ask({ kind: 'grpc', service: '' }, server.target)).toMatchObject({ ok: false });
});

test('an upgrade of the protocol is no success', async () => {
  await using server = await serveTcp((socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n');
  });
  expect(await ask(http, server.target)).toMatchObject({ ok: false, output: 'HTTP status 101' });
});

test('a certificate is not verified unless that is asked for', async () => {
  await using server = await serveHttps(answering(200));
  expect(await ask(https, server.target)).toMatchObject({ ok: true });
  const verified = await ask({ ...https, verify: true }, server.target);
  expect(verified).toMatchObject({ ok: false, output: expect.stringContaining('self-signed') });
});

test('a TCP probe passes when the connection is accepted, over IPv4 and IPv6', async () => {
  for (const address of ['127.0.0.1', '::1']) {
    await using server = await serveTcp(() => undefined, address);
    expect(await ask(tcp, server.target)).toMatchObject({ ok: true });
  }
});

test('a name is never resolved, and an instance without a port is told what to set', async () => {
  expect(await ask(tcp, { address: 'localhost', port: 80 })).toMatchObject({
    ok: false,
    output: '"localhost" is no IP address',
  });
  expect(await ask(tcp, { address: '127.0.0.1', port: 0 })).toMatchObject({
    ok: false,
    output: 'the instance has no port: set the port of its check',
  });
});

test('a path that no request can have is a failed check', async () => {
  await using server = await serveHttp(answering(200));
  const { ok, output } = await ask({ ...http, path: '/two words' }, server.target);
  expect(ok).toBe(false);
  expect(output).toContain('unescaped characters');
});

test('a probe that is called off ends at once', async () => {
  await using server = await serveTcp(() => undefined);
  const calledOff = new AbortController();
  const running = runProbe(http, server.target, { timeoutMs: 5_000, signal: calledOff.signal });
  calledOff.abort();
  expect(await running).toMatchObject({ ok: false, output: 'the check was called off' });
  expect((await runProbe(http, server.target, { timeoutMs: 5_000, signal: calledOff.signal })).ok).toBe(
    false,
  );
});

test('what is shown of an answer is one line without control characters, cut at a whole character', () => {
  expect(toPrintable('a\r\n\u001b[31mred\u0000\u202e  end\t')).toBe('a [31mred end');
  const cut = toPrintable('é'.repeat(2_000));
  expect(Buffer.byteLength(cut)).toBe(1_024);
  expect(cut).toBe('é'.repeat(512));
});
