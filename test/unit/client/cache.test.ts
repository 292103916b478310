import { expect, test } from 'vitest';
import { createClient, type FairleadClient } from '../../../lib/client/client.ts';
import { AgentFailure, ClientClosed, NoHealthyInstance } from '../../../lib/client/errors.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { FakeAgent, jsonOf, until } from './fake-agent.ts';

const two = [jsonOf({ id: 'web-1' }), jsonOf({ id: 'web-2', host: 'fd00::2' })];

async function idsOf(client: FairleadClient): Promise<readonly string[]> {
  const instances = await client.instances('web');
  return instances.map(({ id }) => id);
}

test('instances are known as the agent tells them', async () => {
  await using agent = await new FakeAgent([
    jsonOf({ port: 8080, portName: 'http', endpoint: '/api', tags: ['a'], meta: { k: 'v' }, weight: 3 }),
  ]).start();
  await using client = createClient({ api: agent.api, token: 'secret-token', namespace: 'default' });
  expect(await client.pick('web')).toEqual({
    id: 'web-1',
    namespace: 'default',
    service: 'web',
    host: '10.1.0.2',
    family: 4,
    port: 8080,
    portName: 'http',
    protocol: 'tcp',
    authority: '10.1.0.2:8080',
    weight: 3,
    tags: ['a'],
    meta: { k: 'v' },
    endpoint: '/api',
    status: 'passing',
    attachment: 'web-1',
  });
  const [watch] = agent.askedFor('GET', '/v1/watch');
  expect(watch?.headers).toMatchObject({ accept: 'text/event-stream', authorization: 'Bearer secret-token' });
  expect(watch?.url.search).toBe('?service=web&namespace=default');
});

test('over a Unix socket it is the same', async () => {
  using dir = temporaryDirectory();
  await using agent = await new FakeAgent(two, `${dir.path}/api.sock`).start();
  await using client = createClient({ api: agent.api });
  expect(await idsOf(client)).toEqual(['web-1', 'web-2']);
});

test('what comes, goes and falls ill is followed, over one connection', async () => {
  await using agent = await new FakeAgent(two).start();
  await using client = createClient({ api: agent.api });
  expect((await client.pick('web', { strategy: 'sticky', key: 'k' })).id).toMatch(/^web-/);
  agent.put(jsonOf({ id: 'web-3' }));
  await until(async () => (await idsOf(client)).length === 3);
  agent.remove('web-1');
  agent.put(jsonOf({ id: 'web-2', status: 'critical' }));
  await until(async () => (await idsOf(client)).length === 2);
  await until(async () => (await client.pick('web')).id === 'web-3');
  for (let turn = 0; turn < 5; turn++) expect((await client.pick('web')).id).toBe('web-3');
  expect(agent.askedFor('GET', '/v1/watch')).toHaveLength(1);
});

test('while the agent is away the cache serves, and afterwards it goes on where it was', async () => {
  await using agent = await new FakeAgent(two).start();
  await using client = createClient({ api: agent.api });
  agent.put(jsonOf({ id: 'web-3' }));
  await until(async () => (await idsOf(client)).length === 3);
  expect(client.isFresh('web')).toBe(true);
  await agent.stop();
  await until(() => !client.isFresh('web'));
  expect(await client.pick('web')).toBeDefined();
  agent.put(jsonOf({ id: 'web-4' }));
  agent.remove('web-1');
  await agent.start();
  await until(async () => (await idsOf(client)).includes('web-4'));
  expect(await idsOf(client)).toEqual(['web-2', 'web-3', 'web-4']);
  expect(client.isFresh('web')).toBe(true);
  expect(agent.askedFor('GET', '/v1/watch').at(-1)?.headers['last-event-id']).toBe('2');
});

test('an agent that has nothing new to tell makes the cache fresh again', async () => {
  await using agent = await new FakeAgent(two).start();
  await using client = createClient({ api: agent.api });
  await idsOf(client);
  await agent.stop();
  await until(() => !client.isFresh('web'));
  await agent.start();
  await until(() => client.isFresh('web'));
  expect(await idsOf(client)).toEqual(['web-1', 'web-2']);
});

test('where the history is lost, a snapshot replaces what was known', async () => {
  await using agent = await new FakeAgent(two).start();
  await using client = createClient({ api: agent.api });
  await idsOf(client);
  await agent.stop();
  agent.remove('web-1');
  agent.forgetHistory();
  await agent.start();
  await until(async () => (await idsOf(client)).length === 1);
  expect(await idsOf(client)).toEqual(['web-2']);
});

test('after events that make no sense the watch begins anew', async () => {
  await using agent = await new FakeAgent(two).start();
  const problems: unknown[] = [];
  await using client = createClient({ api: agent.api, onProblem: (error) => problems.push(error) });
  await idsOf(client);
  agent.writeRaw('event: change\nid: 99\ndata: {"changes": [{"kind": "jump"}]}\n\n');
  await until(() => agent.askedFor('GET', '/v1/watch').length === 2);
  expect(agent.askedFor('GET', '/v1/watch').at(-1)?.headers['last-event-id']).toBeUndefined();
  expect(String(problems[0])).toContain('the agent sent "jump" for kind');
  agent.put(jsonOf({ id: 'web-3' }));
  await until(async () => (await idsOf(client)).length === 3);
});

test('a client that starts before the agent waits for it', async () => {
  await using agent = await new FakeAgent(two).start();
  await agent.stop();
  await using client = createClient({ api: agent.api });
  const picked = client.pick('web');
  await new Promise((resolve) => setTimeout(resolve, 100));
  await agent.start();
  expect((await picked).service).toBe('web');
});

test('an agent that does not answer in time is named with its reason', async () => {
  await using client = createClient({ api: 'unix:/nowhere/api.sock', timeoutMs: 100 });
  const failure = client.pick('web');
  await expect(failure).rejects.toBeInstanceOf(NoHealthyInstance);
  await expect(failure).rejects.toThrow(
    'web: the agent has not said within 100 ms which instances there are: asking the agent at ' +
      'unix:/nowhere/api.sock: GET /v1/watch?service=web: connect ENOENT /nowhere/api.sock',
  );
});

test('a refusal of the agent is told at once, with its hint, and is over when the agent relents', async () => {
  await using agent = await new FakeAgent(two).start();
  agent.refusal = { status: 401, message: 'a token is needed here', hint: 'send one' };
  await using client = createClient({ api: agent.api });
  const startedAtMs = performance.now();
  const failure = client.pick('web');
  await expect(failure).rejects.toBeInstanceOf(AgentFailure);
  await expect(failure).rejects.toMatchObject({
    status: 401,
    message: expect.stringContaining('401 a token is needed here (send one)'),
  });
  await expect(client.pick('web')).rejects.toMatchObject({ status: 401 });
  expect(performance.now() - startedAtMs).toBeLessThan(1_000);
  agent.refusal = undefined;
  await until(() =>
    client.pick('web').then(
      () => true,
      () => false,
    ),
  );
});

test('a container with two ports or addresses is one candidate, and ports, families and tags choose', async () => {
  const owner = { kind: 'container', node: 'n', network: 'net', containerId: 'c', interface: 'eth0' };
  await using agent = await new FakeAgent([
    jsonOf({ id: 'c-http', port: 80, portName: 'http', owner }),
    jsonOf({ id: 'c-metrics', port: 9090, portName: 'metrics', owner, tags: ['blue', 'new'] }),
    jsonOf({ id: 'c-http-6', host: 'fd00::3', portName: 'http', owner }),
    jsonOf({ id: 'other' }),
  ]).start();
  await using client = createClient({ api: agent.api });
  const picked = async (wanted: object) => {
    const ids = new Set<string>();
    for (let turn = 0; turn < 8; turn++) ids.add((await client.pick('web', wanted)).id);
    return [...ids].sort();
  };
  expect(await picked({})).toEqual(['c-http', 'other']);
  expect(await picked({ port: 'metrics' })).toEqual(['c-metrics']);
  expect(await picked({ port: 9090 })).toEqual(['c-metrics']);
  expect(await picked({ family: 6 })).toEqual(['c-http-6']);
  expect(await picked({ tags: ['blue', 'new'] })).toEqual(['c-metrics']);
  await expect(client.pick('web', { tags: ['green'] })).rejects.toThrow(
    'web: none of the 4 instances is healthy and wanted',
  );
});

test('whoever waits when the client is closed is told, and so is whoever comes afterwards', async () => {
  await using agent = await new FakeAgent().start();
  agent.isSilent = true;
  const client = createClient({ api: agent.api });
  const waiting = client.pick('web');
  const refused = expect(waiting).rejects.toBeInstanceOf(ClientClosed);
  await client[Symbol.asyncDispose]();
  await refused;
  await expect(client.pick('web')).rejects.toBeInstanceOf(ClientClosed);
});

test('a closed client leaves no connection behind', async () => {
  await using agent = await new FakeAgent(two).start();
  const client = createClient({ api: agent.api });
  await client.pick('web');
  expect(agent.watchers).toBe(1);
  await client[Symbol.asyncDispose]();
  await until(() => agent.watchers === 0);
});

test('an address or a strategy that cannot be one is refused at once', () => {
  expect(() => createClient({ api: 'ftp://x' })).toThrow(
    'api: expected "unix:/run/fairlead/api.sock" or an http',
  );
  expect(() => createClient({ api: 'unix:/x', strategy: 'best' as never })).toThrow('there is no "best"');
});
