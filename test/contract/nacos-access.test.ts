import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer } from 'node:tls';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { OutsideRegistry } from '../../lib/mirror/mirror.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { type Hostility, startHostileServer } from '../support/hostile-server.ts';
import { requireNacos } from '../support/java-servers.ts';
import { NacosRig } from '../support/nacos-mirror.ts';
import type { NacosServer } from '../support/nacos-server.ts';
import { instanceOf } from '../support/registry.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const node = '1111111111111111';
const noEnd = new AbortController().signal;
const stack = new AsyncDisposableStack();
const dir = stack.use(temporaryDirectory()).path;
const admin = { name: 'nacos', password: 'right&"' };
const auth = { password: admin.password, tokenTtlSeconds: 6 };
const rigs = { 2: new NacosRig({ version: 2, auth }), 3: new NacosRig({ version: 3, auth }) };

afterAll(async () => {
  await stack.disposeAsync();
  await rigs[2][Symbol.asyncDispose]();
  await rigs[3][Symbol.asyncDispose]();
});

const paths = {
  2: {
    login: '/v1/auth/login',
    users: '/v1/auth/users',
    roles: '/v1/auth/roles',
    rights: '/v1/auth/permissions',
  },
  3: {
    login: '/v3/auth/user/login',
    users: '/v3/auth/user',
    roles: '/v3/auth/role',
    rights: '/v3/auth/permission',
  },
};

const catalogues = { 2: '/nacos/v1/ns/catalog/services', 3: '/nacos/v3/admin/ns/service/list' };

describe.each([2, 3] as const)('Nacos %i that wants to know who asks', { timeout: 180_000 }, (version) => {
  const rig = rigs[version];

  beforeEach(requireNacos);

  test('lets its user in, also when a token has ended', async () => {
    await using mirror = await open(rig, { user: admin });

    await put(mirror, [instanceOf()]);
    await sleep(7_000);
    await put(mirror, [instanceOf({ id: 'web-2', address: '10.1.0.3' })]);

    expect(await mirror.listOwn(noEnd)).toHaveLength(2);
  });

  test('refuses a wrong password; one that is replaced in its file is taken at the next call', async () => {
    const passwordFile = `${dir}/password-${version}`;
    writeFileSync(passwordFile, 'wrong\n');
    await using mirror = await open(rig, { user: { name: admin.name, passwordFile } });

    const refusal = await failureOf(mirror);
    writeFileSync(passwordFile, `${admin.password}\n`);

    const { endpoints } = await rig.server();
    expect(refusal).toContain(`nacos at ${endpoints[0]}: POST /nacos${paths[version].login}: `);
    expect(refusal).toMatch(/user "nacos" is not let in \(see user\)$/);
    await put(mirror, [instanceOf()]);
  });

  test('refuses whoever has no name', async () => {
    await using mirror = await open(rig, {});
    const { endpoints } = await rig.server();

    expect(await failureOf(mirror)).toContain(
      `nacos at ${endpoints[0]}: GET ${catalogues[version]}: HTTP 403`,
    );
  });

  test('a user that is taken away is refused, and one that comes back is let in', async () => {
    const server = await rig.server();
    const user = { name: 'fairlead', password: 'secret' };
    await change(server, version, 'POST', user);
    await using mirror = await open(rig, { user });
    await untilTaken(mirror);

    await change(server, version, 'DELETE', user);
    const refusal = await untilFailure(mirror);
    await change(server, version, 'POST', user);
    await untilTaken(mirror);

    expect(refusal).toMatch(/^nacos at http:\S+: (GET|POST) \/nacos\/v[13]\/\S+: HTTP (403|500)/);
    expect(await mirror.listOwn(noEnd)).toHaveLength(1);
  });

  test('is reached by HTTPS where its certificate is of the right authority', async () => {
    const right = await makeCertificates(`${dir}/right-${version}`);
    const other = await makeCertificates(`${dir}/other-${version}`);
    const endpoints = [await startTlsFront(await rig.server(), right)];
    const namespaceId = rig.newNamespace();
    await using mirror = rig.open({ endpoints }, node, { namespaceId, user: admin, tls: { ca: right.ca } });
    await using wary = rig.open({ endpoints }, node, { namespaceId, user: admin, tls: { ca: other.ca } });

    await put(mirror, [instanceOf()]);

    expect(await mirror.listOwn(noEnd)).toHaveLength(1);
    expect(await failureOf(wary)).toMatch(
      /^nacos at https:\/\/127\.0\.0\.1:\d+: POST \/nacos\S+login: .*(certificate|signature).* \(tls: see ca, cert and key, and the scheme\)$/,
    );
  });
});

describe('a Nacos of the other generation', { timeout: 120_000 }, () => {
  beforeEach(requireNacos);

  test('is told by its answer', async () => {
    const { endpoints } = await rigs[2].server();
    await using mirror = rigs[3].open({ endpoints }, node);

    expect(await failureOf(mirror)).toBe(
      `nacos at ${endpoints[0]}: GET ${catalogues[3]}: HTTP 404: this server has no such call (see api and path)`,
    );
  });
});

describe('what is no Nacos', { timeout: 30_000 }, () => {
  test.each<{ readonly what: string; readonly hostility: Hostility; readonly because: string }>([
    { what: 'garbage', hostility: { kind: 'bytes', text: 'SSH-2.0-x\r\n' }, because: '(is this HTTP?)' },
    { what: 'half an answer', hostility: { kind: 'half', text: '{"co' }, because: 'aborted' },
    { what: 'nothing at all', hostility: { kind: 'bytes', text: '' }, because: 'socket hang up' },
    { what: 'nothing for ever', hostility: { kind: 'silence' }, because: 'no answer within 300 ms' },
    {
      what: 'an error',
      hostility: { kind: 'answer', status: 500, text: 'oh\nno' },
      because: 'HTTP 500 "oh no"',
    },
    {
      what: 'other JSON',
      hostility: { kind: 'answer', status: 200, text: '{"a":1}' },
      because: 'expected a list of services, found nothing',
    },
    {
      what: 'a page',
      hostility: { kind: 'answer', status: 200, text: '<html>' },
      because: 'expected JSON, found "<html>" (is this Nacos?)',
    },
  ])('answers $what, and the failure says so', async ({ hostility, because }) => {
    await using server = await startHostileServer(hostility);
    await using mirror = rigs[3].open({ endpoints: [server.endpoint] }, node, { timeout: '300ms' });

    const failures = await Promise.all([
      messageOf(() => mirror.listOwn(noEnd)),
      messageOf(() => mirror.query('web', noEnd)),
      messageOf(() => mirror.watch('web', noEnd)[Symbol.asyncIterator]().next()),
      messageOf(() => mirror.watchNames(noEnd)[Symbol.asyncIterator]().next()),
      failureOf(mirror),
    ]);

    for (const failure of failures) {
      expect(failure).toContain(`nacos at ${server.endpoint}: GET ${catalogues[3]}: `);
      expect(failure).toContain(because);
    }
  });

  test('calls end with their signal', async () => {
    await using server = await startHostileServer({ kind: 'silence' });
    const user = { name: 'somebody', password: 'secret' };
    await using mirror = rigs[3].open({ endpoints: [server.endpoint] }, node, { timeout: '10s', user });
    const beginMs = performance.now();

    await expect(mirror.listOwn(AbortSignal.timeout(100))).rejects.toThrow();

    expect(performance.now() - beginMs).toBeLessThan(1_000);
  });
});

async function open(rig: NacosRig, said: Readonly<Record<string, unknown>>): Promise<OutsideRegistry> {
  return rig.open(await rig.server(), node, { namespaceId: rig.newNamespace(), ...said });
}

async function put(mirror: OutsideRegistry, instances: readonly ReturnType<typeof instanceOf>[]) {
  const entries = instances.flatMap((instance) =>
    mirror.render({ ...instance, owner: { kind: 'api', node } }),
  );
  expect(await mirror.put(entries, noEnd)).toEqual([]);
}

/** Makes a user who may do everything, or takes him away. */
async function change(
  server: NacosServer,
  version: 2 | 3,
  method: 'POST' | 'DELETE',
  { name, password }: { readonly name: string; readonly password: string },
): Promise<void> {
  const { login, users, roles, rights } = paths[version];
  const { body } = await server.call(login, {
    method: 'POST',
    form: { username: admin.name, password: admin.password },
  });
  const headers = { accessToken: String(Object(body).accessToken) };
  if (method === 'DELETE') {
    await server.call(`${users}?username=${name}`, { method, headers });
    return;
  }
  await server.call(users, { method, headers, form: { username: name, password } });
  await server.call(roles, { method, headers, form: { username: name, role: 'writers' } });
  await server.call(rights, { method, headers, form: { role: 'writers', resource: '*:*:*', action: 'rw' } });
}

/** Nacos knows what concerns its users some seconds later. */
async function untilTaken(mirror: OutsideRegistry): Promise<void> {
  await until(async () => {
    const entries = mirror.render(instanceOf({ owner: { kind: 'api', node } }));
    return (await mirror.put(entries, noEnd)).length === 0 ? true : undefined;
  });
}

async function untilFailure(mirror: OutsideRegistry): Promise<string> {
  return until(() =>
    mirror.listOwn(noEnd).then(
      () => undefined,
      (error) => String(error.message),
    ),
  );
}

async function until<T>(find: () => Promise<T | undefined>): Promise<T> {
  const untilMs = performance.now() + 40_000;
  for (;;) {
    const found = await find().catch((error) => {
      if (performance.now() > untilMs) throw error;
      return undefined;
    });
    if (found !== undefined) return found;
    if (performance.now() > untilMs) throw new Error('it has not come in 40 s');
    await sleep(500);
  }
}

/** Ends TLS before a server. */
async function startTlsFront({ endpoints }: NacosServer, { cert, key }: Certificates): Promise<string> {
  const port = Number(new URL(endpoints[0] ?? '').port);
  const front = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (socket) => {
    const server = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [socket, server],
      [server, socket],
    ] as const) {
      one.pipe(other);
      one.on('error', () => other.destroy());
    }
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  front.listen(0, '127.0.0.1', resolve);
  await promise;
  stack.defer(() => void front.close());
  return `https://127.0.0.1:${(front.address() as { readonly port: number }).port}`;
}

function failureOf(mirror: OutsideRegistry): Promise<string> {
  return messageOf(() => mirror.put(mirror.render(instanceOf()), noEnd));
}

async function messageOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('it has not failed');
}
