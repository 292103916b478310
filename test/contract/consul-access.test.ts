import { writeFileSync } from 'node:fs';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { OutsideRegistry } from '../../lib/mirror/mirror.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { requireConsul } from '../support/consul.ts';
import { healthyAddresses, openConsul } from '../support/consul-mirror.ts';
import { ConsulServer } from '../support/consul-server.ts';
import { type Hostility, startHostileServer } from '../support/hostile-server.ts';
import { instanceOf } from '../support/registry.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const noEnd = new AbortController().signal;
const managementToken = '11111111-2222-3333-4444-555555555555';
const unknownToken = '99999999-2222-3333-4444-555555555555';
const stack = new AsyncDisposableStack();
const dir = stack.use(temporaryDirectory()).path;

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });
afterAll(() => stack.disposeAsync());

type Guarded = { readonly server: ConsulServer; readonly tls: Certificates; readonly url: string };

let guarded: Promise<Guarded> | undefined;

/** Denies what no token allows, over HTTPS alone. */
function guardedServer(): Promise<Guarded> {
  guarded ??= startGuarded();
  return guarded;
}

async function startGuarded(): Promise<Guarded> {
  const tls = await makeCertificates(`${dir}/right`);
  const server = stack.use(
    await ConsulServer.start({
      ...{ place: { address: '127.0.0.1' }, dir, store: 'memory', tls, acl: { managementToken } },
    }),
  );
  return { server, tls, url: server.endpoints[0] ?? '' };
}

/** A token that may write some services. */
async function makeToken({ server }: Guarded, name: string, rules: string): Promise<string> {
  const policy = await server.call('/v1/acl/policy', { method: 'PUT', body: { Name: name, Rules: rules } });
  expect(policy.status).toBe(200);
  const token = await server.call('/v1/acl/token', { method: 'PUT', body: { Policies: [{ Name: name }] } });
  return String(Object(token.body).SecretID);
}

function put(mirror: OutsideRegistry, service = 'web') {
  return mirror.put(mirror.render(instanceOf({ id: `${service}-1`, service })), noEnd);
}

describe('a Consul with ACLs and TLS', () => {
  beforeEach(requireConsul);

  test('takes what a token and a certificate of its authority allow', async () => {
    const { server, tls, url } = await guardedServer();
    await using mirror = openConsul({ endpoints: [url], tls, token: managementToken });

    expect(await put(mirror)).toEqual([]);

    expect(await healthyAddresses(server, 'web')).toEqual(['10.1.0.2']);
    expect(await mirror.listOwn(noEnd)).toEqual(mirror.render(instanceOf({ id: 'web-1' })));
  });

  test('refuses as a whole a token that it does not know, and none', async () => {
    const { tls, url } = await guardedServer();
    await using wrong = openConsul({ endpoints: [url], tls, token: unknownToken });
    await using without = openConsul({ endpoints: [url], tls });

    await expect(put(wrong)).rejects.toMatchObject({
      kind: 'refused',
      message: `consul at ${url}: PUT /v1/agent/service/register: HTTP 403 "ACL not found"`,
    });
    await expect(put(without)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(
        `^consul at ${url}: PUT /v1/agent/service/register: HTTP 403 "Permission denied`,
      ),
    });
  });

  test('refuses only the services that the token may not write', async () => {
    const consul = await guardedServer();
    const rules = 'service "fairlead-agent" {policy="write"} service "api" {policy="write"}';
    const token = await makeToken(consul, 'api-only', rules);
    await using mirror = openConsul({ endpoints: [consul.url], tls: consul.tls, token }, { node: 'ab' });

    const [taken, refused] = [await put(mirror, 'api'), await put(mirror, 'forbidden')];

    expect(taken).toEqual([]);
    const because = `consul at ${consul.url}: PUT /v1/agent/service/register: HTTP 403 "Permission denied`;
    expect(refused).toEqual([
      { key: 'fairlead-ab-forbidden-1', because: expect.stringMatching(`^${because}`) },
    ]);
  });

  test('refuses as a whole a token that may write nothing, also to a process without a session', async () => {
    const consul = await guardedServer();
    const token = await makeToken(consul, 'nothing', 'node_prefix "" {policy="read"}');
    const config = { endpoints: [consul.url], tls: consul.tls, token };
    await using held = openConsul(config, { node: 'cd' });
    await using none = openConsul(config, { node: 'cd', session: 'none' });

    for (const mirror of [held, none])
      await expect(put(mirror)).rejects.toMatchObject({
        kind: 'refused',
        message: expect.stringContaining('HTTP 403 "Permission denied'),
      });
  });

  test('is asked again with what is in the file of the token after that was refused', async () => {
    const { tls, url } = await guardedServer();
    const tokenFile = `${dir}/token`;
    await using mirror = openConsul({ endpoints: [url], tls, tokenFile }, { node: 'ef' });
    await expect(put(mirror)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(`^consul at ${url}: PUT /v1/.*: the file of token: .*${tokenFile}`),
    });
    writeFileSync(tokenFile, `${unknownToken}\n`);
    await expect(put(mirror)).rejects.toThrow('ACL not found');

    writeFileSync(tokenFile, `${managementToken}\n`);

    expect(await put(mirror)).toEqual([]);
  });

  test('is not spoken to where another authority has signed its certificate, nor without one of ours', async () => {
    const { tls, url } = await guardedServer();
    const other = await makeCertificates(`${dir}/other`);
    await using wrong = openConsul({ endpoints: [url], tls: { ca: other.ca }, token: managementToken });
    await using without = openConsul({ endpoints: [url], tls: { ca: tls.ca }, token: managementToken });

    for (const mirror of [wrong, without])
      await expect(put(mirror)).rejects.toMatchObject({
        kind: 'refused',
        message: expect.stringMatching(
          `^consul at ${url}: PUT /v1/agent/service/register: [^]*\\(tls: see ca, cert and key, and the scheme\\)`,
        ),
      });
  });
});

describe('a server that is no sound Consul', () => {
  test.each<{ readonly hostility: Hostility; readonly because: string }>([
    { hostility: { kind: 'bytes', text: 'SSH-2.0-x\r\n' }, because: '(is this HTTP?)' },
    { hostility: { kind: 'bytes', text: '' }, because: 'socket hang up' },
    { hostility: { kind: 'half', text: '{"web' }, because: 'aborted' },
    { hostility: { kind: 'silence' }, because: 'no answer within 300 ms' },
    { hostility: { kind: 'answer', status: 500, text: 'oh\nno' }, because: 'HTTP 500 "oh no"' },
    { hostility: { kind: 'answer', status: 503, text: '' }, because: 'HTTP 503' },
  ])('is named with the call and what it did: $because', async ({ hostility, because }) => {
    await using server = await startHostileServer(hostility);
    await using mirror = openConsul({ endpoints: [server.endpoint], timeout: '300ms' });
    const calls = {
      'PUT /v1/agent/service/register': () => put(mirror),
      'GET /v1/health/service/web': () => mirror.query('web', noEnd),
    };

    for (const [call, ask] of Object.entries(calls)) {
      const failure = await ask().catch((error: unknown) => error);
      expect(String(failure)).toContain(`consul at ${server.endpoint}: ${call}: `);
      expect(String(failure)).toContain(because);
    }
  });

  test.each(['<html>', '"text"', '42'])('is told from Consul where it answers %s', async (text) => {
    await using server = await startHostileServer({ kind: 'answer', status: 200, text });
    await using mirror = openConsul({ endpoints: [server.endpoint] });
    const garbled = "the answer is not Consul's JSON (is this Consul?)";

    await expect(mirror.listOwn(noEnd)).rejects.toThrow(garbled);
    await expect(mirror.query('web', noEnd)).rejects.toThrow(garbled);
  });

  test('that answers every wait at once is asked ten times a second at most', async () => {
    await using server = await startHostileServer({ kind: 'answer', status: 200, text: '[]' });
    await using mirror = openConsul({ endpoints: [server.endpoint] });

    for await (const _ of mirror.watch('web', AbortSignal.timeout(1_000)));

    expect(server.asked()).toBeLessThanOrEqual(11);
  });

  test('hears no storm of heartbeats', async () => {
    await using server = await startHostileServer({ kind: 'answer', status: 500, text: 'no' });
    await using mirror = openConsul({ endpoints: [server.endpoint] });

    await mirror.run(() => undefined, AbortSignal.timeout(1_500));

    expect(server.asked()).toBeLessThanOrEqual(8);
  });
});
