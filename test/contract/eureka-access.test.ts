import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { OutsideRegistry } from '../../lib/mirror/mirror.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { openEureka } from '../support/eureka-mirror.ts';
import { EurekaServer } from '../support/eureka-server.ts';
import { type Hostility, startHostileServer } from '../support/hostile-server.ts';
import { requireEureka } from '../support/java-servers.ts';
import { instanceOf } from '../support/registry.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const node = '1111111111111111';
const noEnd = new AbortController().signal;
const stack = new AsyncDisposableStack();
const dir = stack.use(temporaryDirectory()).path;
const user = { name: 'fairlead', password: 'right:"' };

afterAll(() => stack.disposeAsync());

let guarded: Promise<{ readonly server: EurekaServer; readonly tls: Certificates }> | undefined;

/** Spring's, to be reached by HTTPS with a certificate, by one user alone. */
function guardedServer() {
  guarded ??= start();
  return guarded;
}

async function start() {
  const tls = await makeCertificates(`${dir}/right`);
  const flavour = { by: 'spring', tls, user } as const;
  const server = await EurekaServer.start({ flavour, place: { address: '127.0.0.1' }, dir });
  return { server: stack.use(server), tls };
}

describe('a server that wants to know who asks', { timeout: 60_000 }, () => {
  beforeEach(requireEureka);

  test('takes the user, the password and the certificate that it knows', async () => {
    const { server, tls } = await guardedServer();
    await using mirror = openEureka(server, node, { tls, user });
    const entries = mirror.render(instanceOf());

    await mirror.put(entries, noEnd);

    expect(await mirror.listOwn(noEnd)).toEqual(entries);
  });

  test('refuses a wrong password; one that is replaced in its file is taken at the next call', async () => {
    const { server, tls } = await guardedServer();
    const passwordFile = `${dir}/password`;
    writeFileSync(passwordFile, 'wrong\n');
    await using mirror = openEureka(server, node, { tls, user: { name: user.name, passwordFile } });

    const refusal = await failureOf(mirror);
    writeFileSync(passwordFile, 'right:"\n');

    expect(refusal).toMatch(/^eureka at https:\/\/127\.0\.0\.1:\d+: POST \/eureka\/apps\/WEB: HTTP 401/);
    expect(await mirror.put(mirror.render(instanceOf()), noEnd)).toEqual([]);
  });

  test('is not believed with a certificate of another authority', async () => {
    const { server, tls } = await guardedServer();
    const other = await makeCertificates(`${dir}/other`);
    await using mirror = openEureka(server, node, { tls: { ...tls, ca: other.ca } });

    expect(await failureOf(mirror)).toMatch(
      /^eureka at https:\/\/127\.0\.0\.1:\d+: POST \/eureka\/apps\/WEB: .*(certificate|signature).* \(tls: see ca, cert and key, and the scheme\)$/,
    );
  });
});

describe('what is no Eureka', { timeout: 30_000 }, () => {
  test.each<{ readonly what: string; readonly hostility: Hostility; readonly because: string }>([
    { what: 'garbage', hostility: { kind: 'bytes', text: 'SSH-2.0-x\r\n' }, because: '(is this HTTP?)' },
    { what: 'half an answer', hostility: { kind: 'half', text: '{"app' }, because: 'aborted' },
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
      because: "the answer is not Eureka's JSON (see path)",
    },
    {
      what: 'a page',
      hostility: { kind: 'answer', status: 200, text: '<html>' },
      because: "the answer is not Eureka's JSON (see path)",
    },
  ])('answers $what, and the failure says so', async ({ hostility, because }) => {
    await using server = await startHostileServer(hostility);
    await using mirror = openHostile(server.endpoint);

    const failures = await Promise.all([
      messageOf(() => mirror.listOwn(noEnd)),
      messageOf(() => mirror.query('WEB', noEnd)),
      messageOf(() => mirror.watch('WEB', noEnd)[Symbol.asyncIterator]().next()),
    ]);

    const calls = [`/svips/fairlead-${node}`, '/apps/WEB', '/apps'];
    for (const [at, call] of calls.entries()) {
      expect(failures[at]).toContain(`eureka at ${server.endpoint}: GET /eureka${call}: `);
      expect(failures[at]).toContain(because);
    }
  });

  test('a refusal that concerns one entry alone is told, and the others go on', async () => {
    await using server = await startHostileServer({ kind: 'answer', status: 400, text: 'Missing hostname' });
    await using mirror = openHostile(server.endpoint);
    await mirror.listOwn(noEnd).catch(() => undefined);
    const entries = [instanceOf(), instanceOf({ id: 'web-2', status: 'critical' })].flatMap((instance) =>
      mirror.render({ ...instance, status: 'critical' }),
    );

    const refusals = await mirror.put(entries, noEnd);

    expect(refusals).toEqual(
      entries.map(({ key }) => ({
        key,
        because: `eureka at ${server.endpoint}: POST /eureka/apps/WEB: HTTP 400 "Missing hostname"`,
      })),
    );
  });

  test('heartbeats to a server that fails are not many', async () => {
    await using server = await startHostileServer({ kind: 'answer', status: 204, text: '' });
    await using mirror = openHostile(server.endpoint);
    await mirror.put(mirror.render(instanceOf({ status: 'critical' })), noEnd);
    await using failing = await startHostileServer({ kind: 'answer', status: 500, text: 'no' });
    await using other = openHostile(failing.endpoint);
    await other.put(other.render(instanceOf({ status: 'critical' })), noEnd).catch(() => undefined);
    const end = new AbortController();
    const running = [mirror.run(() => undefined, end.signal), other.run(() => undefined, end.signal)];

    await sleep(3_000);
    end.abort();
    await Promise.all(running);

    expect(server.asked()).toBeLessThan(5);
    expect(failing.asked()).toBeLessThan(5);
  });
});

function openHostile(endpoint: string): OutsideRegistry {
  return openEureka({ endpoints: [endpoint], basePath: '/eureka' }, node, { timeout: '300ms', ttl: '6s' });
}

function failureOf(mirror: OutsideRegistry): Promise<string> {
  return messageOf(() => mirror.put(mirror.render(instanceOf({ status: 'critical' })), noEnd));
}

async function messageOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('it has not failed');
}
