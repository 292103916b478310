import { expect, test } from 'vitest';
import { type Answer, call, createRig, draftOf } from './rig.ts';

const web = { Host: '10.1.0.2', Port: 80 };

function errorOf({ json }: Answer): { status: number; message: string; hint?: string } {
  return (json as { error: { status: number; message: string; hint?: string } }).error;
}

test.each([
  [/^Host: expected an IP address, found "web.example"/, { ...web, Host: 'web.example' }],
  [/^Host:/, { ...web, Host: '10.1.0.2/24' }],
  [/^Host:/, { ...web, Host: '0.0.0.0' }],
  [/^Host: expected a string/, { ...web, Host: 1 }],
  [/^Host: is required/, { Port: 80 }],
  [/^Port: expected a whole number from 1 to 65535, found 65536/, { ...web, Port: 65_536 }],
  [/^Port:/, { ...web, Port: 0 }],
  [/^Port: .*found "80"/, { ...web, port: '80', Port: undefined }],
  [/^Port:/, { ...web, Port: 1.5 }],
  [/^Weight: expected a whole number from 0 to 65535/, { ...web, Weight: -1 }],
  [/^Weight:/, { ...web, Weight: 1e300 }],
  [/^Protocol: expected tcp, udp, sctp/, { ...web, Protocol: 'quic' }],
  [/^PortName:/, { ...web, PortName: 'Not A Label' }],
  [/^Status: expected passing, critical, draining, maintenance/, { ...web, Status: 'well' }],
  [/^Tags: expected a list/, { ...web, Tags: 'a,b' }],
  [/^Tags\[0\]:/, { ...web, Tags: ['a\u0000b'] }],
  [/^Tags: 65 entries/, { ...web, Tags: Array.from({ length: 65 }, (_, index) => `t${index}`) }],
  [/^Meta\.a:/, { ...web, Meta: { a: 1 } }],
  [/^Meta: expected an object/, { ...web, Meta: [] }],
  [/^Meta: 65/, { ...web, Meta: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`k${n}`, ''])) }],
  [/^Endpoint:/, { ...web, Endpoint: 'a b' }],
  [/^Id:/, { ...web, Id: 'Not A Label' }],
  [/^Id:/, { ...web, Id: 'pick' }],
  [/^Namespace:/, { ...web, Namespace: '*' }],
  [/^Check: expected exactly one of/, { ...web, Check: { http: '/', tcp: true } }],
  [/^Check\.ttl:/, { ...web, Check: { ttl: 'soon' } }],
])('a registration with a wrong field is 400 and names it: %s', async (message, body) => {
  await using rig = await createRig();
  const answer = await call(rig.socket, 'POST /services/web', { body });
  expect(answer.status).toBe(400);
  expect(errorOf(answer)).toMatchObject({ status: 400, message: expect.stringMatching(message) });
  expect(rig.other.instances()).toEqual([]);
});

test.each([
  [/missing/, ''],
  [/not a JSON object/, 'null'],
  [/not a JSON object/, '[]'],
  [/not a JSON object/, '"text"'],
  [/not JSON/, '{'],
  [/nested deeper/, `{"Tags": ${'['.repeat(30_000)}${']'.repeat(30_000)}}`],
  [/^Meta\./, '{"__proto__": {"Host": "10.1.0.2"}, "Meta": {"__proto__": "x"}, "Host": "10.1.0.2"}'],
])('a body that is no object of ours is 400: %s', async (message, body) => {
  await using rig = await createRig();
  const answer = await call(rig.socket, 'POST /services/web', { body });
  expect(answer.status).toBe(400);
  expect(errorOf(answer).message).toMatch(message);
});

test('a body that is not UTF-8, or compressed, is refused', async () => {
  await using rig = await createRig();
  const latin1 = await curl(
    rig.socket,
    ['-X', 'POST', '--data-binary', '@-'],
    Buffer.from([0x7b, 0xe4, 0x7d]),
  );
  expect(latin1).toMatch(/not UTF-8/);
  const headers = { 'Content-Encoding': 'gzip' };
  expect((await call(rig.socket, 'POST /services/web', { body: web, headers })).status).toBe(415);
});

test.each([
  ['GET /services/%zz', 400],
  ['GET /services/%', 400],
  ['GET /services/%ff%fe', 400],
  ['GET /services?namespace=%zz', 400],
  ['GET /services/a%00b', 400],
  ['GET /services/a%0ab', 400],
  ['GET /services/a%2fb', 400],
  ['GET /services/a%5cb', 400],
  ['GET /services/a%22b', 400],
  ["GET /services/a'b", 400],
  ['GET /services/a%20b', 400],
  ['GET /services/a%e2%80%aeb', 400],
  ['GET /services/..', 400],
  ['GET /services/%2e%2e', 400],
  ['GET /services/web/Not_An_Id', 400],
  ['GET /services/web?status=ill', 400],
  ['GET /services/web?tag=a%00b', 400],
  ['GET /services?namespace=a&namespace=b', 400],
  ['GET /services/web/pick?family=5', 400],
  ['GET /v1/watch?since=-1', 400],
  ['GET /v1/watch?since=99999999999999999999', 400],
  ['GET /v1/watch?since=0&wait=soon', 400],
  ['GET /v1/health/service/web?index=x', 400],
  ['GET /v1/health/service/web?wait=5', 400],
  ['GET /v1/health/service/web?passing=perhaps', 400],
  ['GET /v1/health/service/web?filter=Node==a', 400],
  ['GET /v1/health/service/web?dc=elsewhere', 400],
  ['GET //', 404],
  ['GET /services//x', 404],
  ['GET /etc/passwd', 404],
  ['GET /services/../../etc/passwd', 404],
  ['GET /v1', 404],
  ['GET /v1/healthz', 404],
])('%s is %i', async (line, status) => {
  await using rig = await createRig();
  rig.other.put(draftOf());
  const answer = await call(rig.socket, line);
  expect(answer.status).toBe(status);
  expect(errorOf(answer).status).toBe(status);
  expect(answer.text).not.toMatch(/[\p{Cc}\u202e]/u);
});

test('a name that is too long is refused', async () => {
  await using rig = await createRig();
  expect((await call(rig.socket, `GET /services/${'a'.repeat(255)}`)).status).toBe(404);
  expect((await call(rig.socket, `GET /services/${'a'.repeat(256)}`)).status).toBe(400);
});

test('a path that there is not is answered with those that are near', async () => {
  await using rig = await createRig();
  const answer = await call(rig.socket, 'GET /v1/servces');
  expect(errorOf(answer).hint).toMatch(/GET \/v1\/services, /);
  expect(errorOf(answer).hint).not.toContain('/metrics');
  expect(errorOf(await call(rig.socket, 'GET /zzz')).hint).toContain('/metrics');
});

test('a method that a path does not take is 405 with those that it takes', async () => {
  await using rig = await createRig();
  const answer = await call(rig.socket, 'PATCH /services/web');
  expect(answer).toMatchObject({ status: 405, headers: { allow: 'GET, POST, HEAD, OPTIONS' } });
  expect((await call(rig.socket, 'DELETE /healthz')).status).toBe(405);
});

test('OPTIONS says what a path takes', async () => {
  await using rig = await createRig();
  const answer = await call(rig.socket, 'OPTIONS /v1/services/web/web-1');
  expect(answer).toMatchObject({ status: 204, headers: { allow: 'GET, PUT, DELETE, HEAD, OPTIONS' } });
  expect((await call(rig.socket, 'OPTIONS *')).headers.allow).toBe('GET, POST, PUT, DELETE, HEAD, OPTIONS');
  expect((await call(rig.socket, 'OPTIONS /nowhere')).status).toBe(404);
});

test('HEAD is GET without a body, and waits for nothing', async () => {
  await using rig = await createRig();
  rig.other.put(draftOf());
  const get = await call(rig.socket, 'GET /services/web');
  const head = await call(rig.socket, 'HEAD /services/web');
  expect(head).toMatchObject({
    status: 200,
    text: '',
    headers: { 'content-length': String(get.text.length) },
  });
  const waiting = [
    'HEAD /v1/watch?since=1',
    'HEAD /v1/health/service/web?index=2',
    'HEAD /v1/catalog/services?index=2',
  ];
  for (const line of waiting) expect((await call(rig.socket, line)).status).toBe(200);
  const headers = { Accept: 'text/event-stream' };
  expect((await call(rig.socket, 'HEAD /v1/watch', { headers })).status).toBe(200);
});

test('a slash at the end and a target in absolute form mean the same', async () => {
  await using rig = await createRig();
  rig.other.put(draftOf());
  const { text } = await call(rig.socket, 'GET /services/web');
  expect((await call(rig.socket, 'GET /services/web/')).text).toBe(text);
  expect((await call(rig.socket, 'GET http://agent/services/web')).text).toBe(text);
});

async function curl(socket: string, args: readonly string[], stdin: Buffer): Promise<string> {
  const { execa } = await import('execa');
  const url = 'http://localhost/services/web';
  const { stdout } = await execa('curl', ['-sS', '--unix-socket', socket, ...args, url], { input: stdin });
  return stdout;
}
