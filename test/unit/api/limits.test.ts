import { connect, type Socket } from 'node:net';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { attach, call, createRig, draftOf, until } from './rig.ts';

/** Sends bytes as they are. @returns all that comes back until the other side closes */
function sendRaw(path: string, ...parts: readonly string[]): { received: Promise<string>; socket: Socket } {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect(path);
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => {});
  socket.on('close', () => resolve(text));
  for (const part of parts) socket.write(part);
  return { received: promise, socket };
}

const host = 'Host: agent\r\n';

test('a body of the allowed size is read, and one that is larger is 413', async () => {
  await using rig = await createRig();
  const bodyOf = (bytes: number) => {
    const frame = '{"Host":"10.1.0.2","x":""}';
    return frame.replace('""', `"${'x'.repeat(bytes - frame.length)}"`);
  };
  expect((await call(rig.socket, 'POST /services/web', { body: bodyOf(65_536) })).status).toBe(201);
  expect(await call(rig.socket, 'POST /services/web', { body: bodyOf(65_537) })).toMatchObject({
    status: 413,
    headers: { connection: 'close' },
    json: { error: { message: 'the body is larger than 65536 bytes' } },
  });
});

test('a client that sends megabytes gets to read why it is refused', async () => {
  await using rig = await createRig();
  const args = ['-sS', '--unix-socket', rig.socket, '-H', 'Expect:', '--data-binary', '@-'];
  for (const chunked of [[], ['-H', 'Transfer-Encoding: chunked']]) {
    const { stdout } = await execa('curl', [...args, ...chunked, 'http://agent/services/web'], {
      input: Buffer.alloc(8_000_000, 'x'),
    });
    expect(stdout).toContain('"status":413');
  }
});

test('headers that are too large, and what is no HTTP, are answered with JSON', async () => {
  await using rig = await createRig();
  const large = sendRaw(rig.socket, `GET /services HTTP/1.1\r\n${host}X: ${'x'.repeat(20_000)}\r\n\r\n`);
  expect(await large.received).toMatch(
    /^HTTP\/1.1 431 [\s\S]*Connection: close\r\n\r\n\{"error":\{"status":431,/,
  );
  for (const line of [
    'hello\r\n\r\n',
    'GET /services HTTP/1.1\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    '\x16\x03\x01\r\n\r\n',
  ]) {
    expect(await sendRaw(rig.socket, line).received).toMatch(/^HTTP\/1.1 400 /);
  }
  const smuggled = `POST /services/web HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`;
  expect(await sendRaw(rig.socket, smuggled).received).toMatch(/^HTTP\/1.1 400 /);
  expect((await call(rig.socket, 'GET /services')).status).toBe(200);
});

test('headers or a body that stay away end with 408, and others are served meanwhile', async () => {
  await using rig = await createRig({ limits: { requestTimeoutMs: 300 } });
  const half = sendRaw(rig.socket, `GET /services HTTP/1.1\r\n${host}X-Half: `);
  const bodiless = sendRaw(
    rig.socket,
    `POST /services/web HTTP/1.1\r\n${host}Content-Length: 20\r\n\r\n{"Host"`,
  );
  expect((await call(rig.socket, 'GET /services')).status).toBe(200);
  for (const { received } of [half, bodiless]) {
    expect(await received).toMatch(/^HTTP\/1.1 408 [\s\S]*"status":408/);
  }
  expect(rig.other.instances()).toEqual([]);
  expect(rig.logged.filter((line) => !line.includes('listens'))).toEqual([]);
});

test('a client that hangs up in the middle of its body does no harm', async () => {
  await using rig = await createRig();
  const { socket } = sendRaw(
    rig.socket,
    `POST /services/web HTTP/1.1\r\n${host}Content-Length: 20\r\n\r\n{"Host"`,
  );
  await new Promise((resolve) => setTimeout(resolve, 30));
  socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect((await call(rig.socket, 'GET /services')).status).toBe(200);
  expect(rig.logged.filter((line) => !line.includes('listens'))).toEqual([]);
});

test('a long poll outlives the time in which a request must arrive', async () => {
  await using rig = await createRig({ limits: { requestTimeoutMs: 200 } });
  const answer = await call(rig.socket, 'GET /v1/watch?since=0&wait=600ms');
  expect(answer).toMatchObject({ status: 200, json: { changes: [] } });
});

test('a client that does not read its answer is not waited for', async () => {
  await using rig = await createRig({ limits: { replyTimeoutMs: 200 } });
  const meta = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`k${index}`, 'x'.repeat(255)]));
  for (let turn = 0; turn < 60; turn++) rig.other.put(draftOf({ id: `i${turn}`, meta }));
  const { socket, received } = sendRaw(rig.socket, `GET /services/web HTTP/1.1\r\n${host}\r\n`);
  socket.pause();
  await until('it is disconnected', () => rig.observed.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 600));
  socket.resume();
  expect((await received).length).toBeLessThan(900_000);
});

test('connections beyond the limit are closed, and one line says so', async () => {
  await using rig = await createRig({ limits: { connections: 2 } });
  const idle = [connect(rig.socket), connect(rig.socket)];
  await Promise.all(idle.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
  await new Promise((resolve) => setTimeout(resolve, 20));
  for (let turn = 0; turn < 3; turn++) expect(await sendRaw(rig.socket).received).toBe('');
  for (const socket of idle) socket.destroy();
  expect(rig.logged.filter((line) => line.includes('turns others away'))).toHaveLength(1);
});

test('requests sent one behind the other are answered in order', async () => {
  await using rig = await createRig();
  attach(rig.other, 'c1', draftOf());
  const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\n${host}${more}\r\n`;
  const { received } = sendRaw(
    rig.socket,
    get('/services/web/pick') + get('/nowhere') + get('/healthz', 'Connection: close\r\n'),
  );
  expect((await received).match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200']);
});
