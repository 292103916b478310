import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, type TestContext, test } from 'vitest';
import { makeCertificates } from '../support/certificates.ts';
import { curl } from '../support/curl.ts';
import { type EurekaFlavour, EurekaServer } from '../support/eureka-server.ts';
import { requireEureka, requireNacos } from '../support/java-servers.ts';
import { NacosServer } from '../support/nacos-server.ts';
import { must } from '../support/process.ts';
import type { RegistryServer } from '../support/registry-server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** A server, and how the tests below use it without knowing which it is. */
type Tried = {
  readonly server: RegistryServer & { readonly pid: number | undefined };
  readonly register: () => Promise<number>;
  /** Undefined where there is no answer in two seconds. */
  readonly holds: () => Promise<boolean | undefined>;
};

type Kind = {
  readonly kind: string;
  readonly needs: (context: TestContext) => void;
  readonly start: (dir: string) => Promise<Tried>;
};

const place = { address: '127.0.0.1' };
const kinds: readonly Kind[] = [
  { kind: "Netflix's Eureka", needs: requireEureka, start: (dir) => tryEureka(dir, { by: 'netflix' }) },
  { kind: "Spring's Eureka", needs: requireEureka, start: (dir) => tryEureka(dir, { by: 'spring' }) },
  { kind: 'Nacos 2', needs: requireNacos, start: (dir) => tryNacos(dir, 2) },
  { kind: 'Nacos 3', needs: requireNacos, start: (dir) => tryNacos(dir, 3) },
];

describe.each(kinds)('$kind', { timeout: 120_000 }, ({ needs, start }) => {
  test('serves on loopback alone, is frozen and goes on, and holds nothing when it has begun anew', async (context) => {
    needs(context);
    using dir = temporaryDirectory();
    const { server, register, holds } = await start(dir.path);
    await using _ = server;

    const registered = [await register(), await becomes(holds, true)];
    const foreign = await listensElsewhere(server.pid);
    server.stop();
    const frozen = await holds();
    server.cont();
    const goesOn = await becomes(holds, true);
    await server.kill();
    const killed = await holds();
    await server.wipe();

    expect(registered).toEqual([expect.toBeOneOf([200, 204]), true]);
    expect(foreign).toEqual([]);
    expect([frozen, goesOn, killed, await holds()]).toEqual([undefined, true, undefined, false]);
  });
});

test("Spring's Eureka answers one user alone, over HTTPS with a certificate of the authority", {
  timeout: 60_000,
}, async (context) => {
  requireEureka(context);
  using dir = temporaryDirectory();
  const tls = await makeCertificates(`${dir.path}/eureka`);
  const user = { name: 'agent', password: 'very secret' };
  await using server = await EurekaServer.start({
    flavour: { by: 'spring', tls, user },
    place,
    dir: dir.path,
  });
  const url = `${server.endpoints[0]}/eureka/apps`;
  const asUser = { Authorization: `Basic ${btoa(`${user.name}:${user.password}`)}` };

  const answers = await Promise.all([
    curl({ url, tls, headers: asUser }),
    curl({ url, tls }),
    curl({ url, headers: asUser }),
  ]);

  expect(answers.map(({ status }) => status)).toEqual([200, 401, 0]);
});

test.for([2, 3] as const)(
  'Nacos %i hears those alone who have a token, which its user gets for the password',
  {
    timeout: 120_000,
  },
  async (version, context) => {
    requireNacos(context);
    using dir = temporaryDirectory();
    const password = 'very secret';
    await using server = await NacosServer.start({ version, place, dir: dir.path, auth: { password } });
    const login = version === 2 ? '/v1/auth/login' : '/v3/auth/user/login';
    const list = `${instances[version]}/list?serviceName=web`;

    const right = await server.call(login, { method: 'POST', form: { username: 'nacos', password } });
    const wrong = await server.call(login, {
      method: 'POST',
      form: { username: 'nacos', password: 'nacos' },
    });
    const { accessToken } = Object(right.body);
    const asUser = await server.call(list, { headers: { accessToken } });
    const without = await server.call(list);

    expect([right.status, asUser.status, without.status]).toEqual([200, 200, 403]);
    // No 4xx: 2.3.2 answers with a status line that curl takes for no HTTP.
    expect(wrong.status).not.toBe(200);
  },
);

const instances = { 2: '/v1/ns/instance', 3: '/v3/client/ns/instance' };

async function tryEureka(dir: string, flavour: EurekaFlavour): Promise<Tried> {
  const server = await EurekaServer.start({ flavour, place, dir });
  const apps = `${server.endpoints[0]}${server.basePath}/apps/WEB`;
  const instance = {
    ...{ instanceId: 'a', hostName: '10.9.0.5', app: 'WEB', ipAddr: '10.9.0.5' },
    dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
  };
  const headers = { 'Content-Type': 'application/json' };
  return {
    server,
    register: async () => (await curl({ url: apps, method: 'POST', headers, body: { instance } })).status,
    holds: async () => (await ask(`${apps}/a`))?.includes('10.9.0.5'),
  };
}

async function tryNacos(dir: string, version: 2 | 3): Promise<Tried> {
  const server = await NacosServer.start({ version, place, dir });
  const form = { serviceName: 'web', ip: '10.9.0.5', port: '80' };
  const path = instances[version];
  return {
    server,
    register: async () => (await server.call(path, { method: 'POST', form })).status,
    holds: async () =>
      (await ask(`${server.endpoints[0]}/nacos${path}/list?serviceName=web`))?.includes('10.9.0.5'),
  };
}

/** The body; undefined where there is none in two seconds. */
async function ask(url: string): Promise<string | undefined> {
  try {
    return await (await fetch(url, { signal: AbortSignal.timeout(2_000) })).text();
  } catch {
    return undefined;
  }
}

async function becomes(holds: Tried['holds'], wanted: boolean): Promise<boolean> {
  for (let tries = 0; tries < 50; tries++) {
    if ((await holds()) === wanted) return true;
    await sleep(100);
  }
  return false;
}

/** The lines of `ss` for what the process listens on, beyond the loopback. */
async function listensElsewhere(pid: number | undefined): Promise<readonly string[]> {
  const own = (await must('ss', ['-Hlntup'])).split('\n').filter((line) => line.includes(`pid=${pid},`));
  if (own.length === 0) throw new Error(`process ${pid} listens on nothing`);
  return own.filter((line) => !/(^|\s|\[::ffff:)127\.0\.0\.1\]?:\d+\s/.test(line));
}
