import { expect, test } from 'vitest';
import { createClient } from '../../../lib/client/client.ts';
import { AgentFailure } from '../../../lib/client/errors.ts';
import { FakeAgent, until } from './fake-agent.ts';

const request = { host: '10.1.0.9', port: 8080 };

test('an instance is registered while its object lives, with heartbeats in time', async () => {
  await using agent = await new FakeAgent().start();
  await using client = createClient({ api: agent.api });
  {
    await using registration = await client.register('web', {
      ...request,
      portName: 'http',
      endpoint: '/api',
      weight: 2,
      tags: ['a'],
      meta: { version: '3' },
      ttlMs: 120,
    });
    expect(registration.instance).toMatchObject({ id: 'web-auto', authority: '10.1.0.9:8080' });
    expect(agent.askedFor('POST', '/services/web')[0]?.body).toEqual({
      Host: '10.1.0.9',
      Port: 8080,
      PortName: 'http',
      Endpoint: '/api',
      Weight: 2,
      Tags: ['a'],
      Meta: { version: '3' },
      Check: { ttl: '120ms' },
    });
    const startedAtMs = performance.now();
    await until(() => agent.askedFor('PUT', '/services/web/web-auto/heartbeat').length >= 3);
    expect(performance.now() - startedAtMs).toBeLessThan(1_000);
    expect(agent.askedFor('PUT', '/heartbeat')[0]?.body).toEqual({ Status: 'passing' });
    expect(agent.has('web-auto')).toBe(true);
  }
  expect(agent.has('web-auto')).toBe(false);
  const { length } = agent.asked;
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(agent.asked).toHaveLength(length);
});

test('closing the client withdraws what it has registered', async () => {
  await using agent = await new FakeAgent().start();
  const client = createClient({ api: agent.api, namespace: 'blue' });
  await client.register('web', request);
  expect(agent.asked[0]?.body).toMatchObject({ Namespace: 'blue' });
  await client[Symbol.asyncDispose]();
  expect(agent.has('web-auto')).toBe(false);
  expect(agent.askedFor('DELETE', '/services/web/web-auto')).toHaveLength(1);
});

test('an instance that the agent has lost is registered again', async () => {
  await using agent = await new FakeAgent().start();
  const problems: unknown[] = [];
  await using client = createClient({ api: agent.api, onProblem: (error) => problems.push(error) });
  await using registration = await client.register('web', { ...request, ttlMs: 60 });
  agent.remove('web-auto');
  await until(() => agent.has('web-auto'));
  expect(registration.id).toBe('web-auto');
  expect(problems[0]).toMatchObject({ status: 404 });
});

test('after the agent was away heartbeats go on', async () => {
  await using agent = await new FakeAgent().start();
  await using client = createClient({ api: agent.api });
  await using _registration = await client.register('web', { ...request, ttlMs: 60 });
  await agent.stop();
  await new Promise((resolve) => setTimeout(resolve, 150));
  await agent.start();
  const { length } = agent.asked;
  await until(() => agent.asked.slice(length).some(({ url }) => url.pathname.endsWith('/heartbeat')));
});

test('an instance that says it is unwell says so at once', async () => {
  await using agent = await new FakeAgent().start();
  await using client = createClient({ api: agent.api });
  await using registration = await client.register('web', { ...request, ttlMs: 60_000 });
  registration.report('critical');
  await until(() => agent.askedFor('PUT', '/heartbeat').length === 1);
  expect(agent.askedFor('PUT', '/heartbeat')[0]?.body).toEqual({ Status: 'critical' });
  registration.report('passing');
  await until(() => agent.askedFor('PUT', '/heartbeat').length === 2);
});

test('with a check of the agent there are no heartbeats', async () => {
  await using agent = await new FakeAgent().start();
  await using client = createClient({ api: agent.api });
  const check = { http: '/health', interval: '5s' };
  await using _registration = await client.register('web', { ...request, ttlMs: 30, check });
  expect(agent.asked[0]?.body).toMatchObject({ Check: check });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(agent.askedFor('PUT', '/heartbeat')).toEqual([]);
});

test('a registration that the agent refuses says why', async () => {
  await using agent = await new FakeAgent().start();
  agent.refusal = { status: 403, message: 'the token reader may only read', hint: 'use another' };
  await using client = createClient({ api: agent.api });
  const refused = client.register('web', request);
  await expect(refused).rejects.toBeInstanceOf(AgentFailure);
  await expect(refused).rejects.toThrow('403 the token reader may only read (use another)');
});

test('an instance can be withdrawn twice, and although the agent has lost it', async () => {
  await using agent = await new FakeAgent().start();
  await using client = createClient({ api: agent.api });
  const registration = await client.register('web', request);
  agent.remove('web-auto');
  await registration.withdraw();
  await registration.withdraw();
  expect(agent.askedFor('DELETE', '/')).toHaveLength(1);
});

test('where the agent is away at the end, withdraw says so and disposal does not throw', async () => {
  await using agent = await new FakeAgent().start();
  const problems: unknown[] = [];
  const options = { api: agent.api, timeoutMs: 200, onProblem: (error: unknown) => problems.push(error) };
  await using client = createClient(options);
  const one = await client.register('web', { ...request, id: 'one' });
  const other = await client.register('web', { ...request, id: 'other' });
  await agent.stop();
  await expect(one.withdraw()).rejects.toBeInstanceOf(AgentFailure);
  await other[Symbol.asyncDispose]();
  expect(problems.some((problem) => String(problem).includes('DELETE'))).toBe(true);
});
