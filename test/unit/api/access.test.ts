import { execa } from 'execa';
import { expect, test } from 'vitest';
import type { ApiToken } from '../../../lib/api/access.ts';
import type { TcpListen } from '../../../lib/api/listener.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { type Answer, call, createRig, draftOf } from './rig.ts';

const reader: ApiToken = { name: 'reader', token: 'reader-token-1234', access: 'read' };
const writer: ApiToken = { name: 'writer', token: 'writer-token-1234', access: 'write' };
const blue: ApiToken = { name: 'blue', token: 'blue-token-123456', access: 'write', namespaces: ['Blue'] };
const tcp: TcpListen = {
  kind: 'tcp',
  address: '127.0.0.1',
  port: 0,
  tokens: [reader, writer, blue],
};

const bearer = ({ token }: ApiToken) => ({ Authorization: `Bearer ${token}` });
const web = { Host: '10.1.0.2', Port: 80 };

async function createTcpRig(limits = {}) {
  const rig = await createRig({ listen: [tcp], limits });
  return { rig, url: rig.api.addresses[0] ?? '', [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose]() };
}

test('over TCP nothing is told without a token, not even whether a path is there', async () => {
  await using served = await createTcpRig();
  for (const line of [
    'GET /services',
    'GET /metrics',
    'GET /nowhere',
    'OPTIONS /services',
    'GET /v1/agent/self',
  ]) {
    const answer = await call(served.url, line);
    expect(answer).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer realm="fairlead"' },
      json: { error: { hint: expect.stringContaining('Authorization: Bearer') } },
    });
  }
});

test.each([
  { Authorization: 'Bearer reader-token-1235' },
  { Authorization: 'Bearer reader-token-123' },
  { Authorization: 'Bearer reader-token-12345' },
  { Authorization: `Bearer ${'x'.repeat(5_000)}` },
  { Authorization: 'Basic cmVhZGVyLXRva2VuLTEyMzQ=' },
  { Authorization: 'Bearer ' },
  { 'X-Consul-Token': 'reader' },
])('a wrong token is refused: %o', async (headers: Record<string, string>) => {
  await using served = await createTcpRig();
  const answer = await call(served.url, 'GET /services', { headers });
  expect(answer.status).toBe(401);
  expect(answer.text).not.toContain('1234');
});

test('a token is taken as a bearer’s and as Consul’s', async () => {
  await using served = await createTcpRig();
  expect((await call(served.url, 'GET /services', { headers: bearer(reader) })).status).toBe(200);
  const consul = { 'X-Consul-Token': reader.token };
  expect((await call(served.url, 'GET /v1/catalog/services', { headers: consul })).status).toBe(200);
});

test('a reading token cannot write, and is told so', async () => {
  await using served = await createTcpRig();
  const headers = bearer(reader);
  const lines = [
    'POST /services/web',
    'PUT /services/web/x',
    'DELETE /services/web/x',
    'PUT /services/web/x/heartbeat',
  ];
  for (const line of lines) {
    expect(await call(served.url, line, { headers })).toMatchObject({
      status: 403,
      json: { error: { message: 'the token reader may only read', hint: expect.stringContaining('write') } },
    });
  }
  expect((await call(served.url, 'POST /services/web', { headers: bearer(writer), body: web })).status).toBe(
    201,
  );
});

test('a token of one namespace sees and changes nothing else', async () => {
  await using served = await createTcpRig();
  const { rig, url } = served;
  rig.other.put(draftOf({ id: 'theirs' }));
  rig.other.put(draftOf({ id: 'ours', namespace: 'blue' }));
  const headers = bearer(blue);
  const statusOf = async (line: string, body?: object) =>
    (await call(url, line, { headers, ...(body === undefined ? {} : { body }) })).status;
  expect((await call(url, 'GET /services?namespace=*', { headers })).json).toMatchObject({
    services: [{ namespace: 'blue' }],
  });
  expect((await call(url, 'GET /services/web', { headers })).json).toMatchObject({
    instances: [{ id: 'ours' }],
  });
  expect((await call(url, 'GET /v1/health/service/web?ns=*', { headers })).json).toHaveLength(1);
  expect((await call(url, 'GET /v1/watch', { headers })).json).toMatchObject({ instances: [{ id: 'ours' }] });
  expect(await statusOf('GET /services?namespace=default')).toBe(403);
  expect(await statusOf('GET /v1/watch?namespace=*')).toBe(403);
  expect(await statusOf('GET /v1/catalog/services?ns=default')).toBe(403);
  expect(await statusOf('GET /services/web/theirs')).toBe(404);
  expect(await statusOf('PUT /services/web/theirs', { Weight: 2 })).toBe(404);
  expect(await statusOf('DELETE /services/web/theirs')).toBe(404);
  expect(await statusOf('POST /services/web', { ...web, Namespace: 'default' })).toBe(403);
  expect(await statusOf('POST /services/web?namespace=red', web)).toBe(403);
  const made = await call(url, 'POST /services/web', { headers, body: web });
  expect(made).toMatchObject({ status: 201, json: { namespace: 'blue' } });
  expect(await statusOf('DELETE /services/web/ours')).toBe(204);
});

test('a caller who asks too often waits, and no other caller does', async () => {
  await using served = await createTcpRig({ rate: { perSecond: 0.5, burst: 3 } });
  const answers: Answer[] = [];
  for (let turn = 0; turn < 4; turn++) {
    answers.push(await call(served.url, 'GET /services', { headers: bearer(reader) }));
  }
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
  expect(answers[3]).toMatchObject({
    headers: { 'retry-after': '2' },
    json: { error: { status: 429, hint: expect.stringContaining('/v1/watch') } },
  });
  expect((await call(served.url, 'GET /services', { headers: bearer(writer) })).status).toBe(200);
});

test('whoever guesses tokens is slowed down by address', async () => {
  await using served = await createTcpRig({ rate: { perSecond: 0.5, burst: 3 } });
  const statuses = [];
  for (let turn = 0; turn < 5; turn++) {
    const headers = { Authorization: `Bearer guess-${turn}` };
    statuses.push((await call(served.url, 'GET /services', { headers })).status);
  }
  expect(statuses).toEqual([401, 401, 401, 429, 429]);
  expect((await call(served.url, 'GET /services', { headers: bearer(reader) })).status).toBe(200);
});

test('health is told to everybody, its reasons to whoever has a token, and it is never limited', async () => {
  await using served = await createTcpRig({ rate: { perSecond: 0.001, burst: 1 } });
  for (let turn = 0; turn < 3; turn++) {
    expect((await call(served.url, 'GET /healthz')).json).toEqual({ status: 'ok' });
  }
  expect((await call(served.url, 'GET /healthz', { headers: bearer(reader) })).json).toEqual({
    status: 'ok',
    revision: 0,
    instances: 0,
    watchers: 0,
    problems: [],
  });
});

test.each([
  [{ tokens: [] }, /needs a token/],
  [{ tokens: [{ ...reader, token: 'short' }] }, /the token reader must have 16/],
  [{ tokens: [{ ...reader, token: 'with a space in it' }] }, /the token reader/],
  [{ address: '0.0.0.0' }, /in the clear/],
  [{ address: '::' }, /in the clear/],
  [{ address: '192.0.2.1' }, /in the clear/],
  [{ address: 'localhost' }, /expected an IP address/],
  [{ port: 70_000 }, /70000 is no port/],
  [{ address: '0.0.0.0', tls: { cert: 'no', key: 'no' } }, /cannot be read.*PEM/],
])('a listener that would be unsafe or cannot work is refused: %o', async (said, message) => {
  await expect(createRig({ listen: [{ ...tcp, ...said }] })).rejects.toThrow(
    expect.objectContaining({ code: 7, message: expect.stringMatching(message) }),
  );
});

test('an address that is taken is named', async () => {
  await using served = await createTcpRig();
  const port = Number(new URL(served.url).port);
  await expect(createRig({ listen: [{ ...tcp, port }] })).rejects.toThrow(
    new RegExp(`^listening on 127.0.0.1 port ${port} for the API: .*EADDRINUSE`),
  );
});

test('plaintext on every address is served when it is asked for, IPv6 as well', async () => {
  await using rig = await createRig({ listen: [{ ...tcp, address: '::', plaintext: true }] });
  const { port } = new URL(rig.api.addresses[0] ?? '');
  expect((await call(`http://127.0.0.1:${port}`, 'GET /services', { headers: bearer(reader) })).status).toBe(
    200,
  );
});

test('TLS is spoken, and with a CA for clients only to those that it has signed', async () => {
  using dir = temporaryDirectory();
  const make = (...args: string[]) => execa('openssl', args, { cwd: dir.path });
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const selfSigned = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
  ];
  await make(...selfSigned, ...subject, '-keyout', 'key.pem', '-out', 'cert.pem');
  await make(...selfSigned, '-subj', '/CN=client', '-keyout', 'client-key.pem', '-out', 'client.pem');
  const read = async (name: string) => (await execa('cat', [`${dir.path}/${name}`])).stdout;
  const tls = { cert: await read('cert.pem'), key: await read('key.pem') };
  await using rig = await createRig({
    listen: [
      { ...tcp, tls },
      { ...tcp, tls: { ...tls, clientCa: await read('client.pem') } },
    ],
  });
  const [open = '', mutual = ''] = rig.api.addresses;
  expect(open).toMatch(/^https:/);
  const curl = (url: string, ...args: string[]) =>
    execa('curl', ['-sS', '--cacert', 'cert.pem', ...args, url], { cwd: dir.path, reject: false });
  const token = ['-H', `Authorization: Bearer ${reader.token}`];
  const client = ['--cert', 'client.pem', '--key', 'client-key.pem'];
  const list = '{"revision":0,"services":[]}';
  expect((await curl(`${open}/services`, ...token)).stdout).toBe(list);
  expect((await curl(`${open}/services`)).stdout).toContain('"status":401');
  expect((await curl(`${mutual}/services`, ...token)).exitCode).not.toBe(0);
  expect((await curl(`${mutual}/services`, ...client, ...token)).stdout).toBe(list);
  expect((await curl(`${mutual}/services`, ...client)).stdout).toContain('"status":401');
  expect((await curl(`${open}/services`, ...token, '--tls-max', '1.1')).exitCode).not.toBe(0);
});
