import { expect, test } from 'vitest';
import { createClient } from '../../../lib/client/client.ts';
import { AllFailed, CallTimedOut, NoHealthyInstance, RateLimited } from '../../../lib/client/errors.ts';
import { FakeAgent, jsonOf, until } from './fake-agent.ts';

const three = ['web-1', 'web-2', 'web-3'].map((id) => jsonOf({ id }));

test('a call gives back what its work returns', async () => {
  await using agent = await new FakeAgent(three).start();
  await using client = createClient({ api: agent.api });
  expect(await client.call('web', ({ authority }) => `asked ${authority}`)).toBe('asked 10.1.0.2:80');
});

test('what fails is tried on other instances, and on none of them twice', async () => {
  await using agent = await new FakeAgent(three).start();
  await using client = createClient({ api: agent.api, retries: 9 });
  const tried: string[] = [];
  const failure = client.call('web', ({ id }) => {
    tried.push(id);
    throw new Error(`no ${id}`);
  });
  await expect(failure).rejects.toBeInstanceOf(AllFailed);
  expect(tried.toSorted()).toEqual(['web-1', 'web-2', 'web-3']);
  await expect(failure).rejects.toMatchObject({
    service: 'web',
    causes: tried.map((id) => new Error(`no ${id}`)),
    message: `web: all 3 tries failed: ${tried.map((id) => `${id}: no ${id}`).join('; ')}`,
  });
});

test('no more tries are made than asked for', async () => {
  await using agent = await new FakeAgent(three).start();
  await using client = createClient({ api: agent.api });
  let tries = 0;
  const failing = () => {
    tries++;
    throw new Error('no');
  };
  await expect(client.call('web', failing, { retries: 1 })).rejects.toMatchObject({ name: 'AllFailed' });
  expect(tries).toBe(2);
});

test('one instance that fails costs the caller nothing but a second try', async () => {
  await using agent = await new FakeAgent(three).start();
  await using client = createClient({ api: agent.api });
  for (let turn = 0; turn < 30; turn++) {
    const answered = await client.call('web', ({ id }) => {
      if (id === 'web-2') throw new Error('down');
      return id;
    });
    expect(answered).not.toBe('web-2');
  }
});

test('with no retries the try says itself what went wrong', async () => {
  await using agent = await new FakeAgent(three).start();
  await using client = createClient({ api: agent.api, retries: 0 });
  await expect(client.call('web', () => Promise.reject(new Error('own words')))).rejects.toThrow(
    /^own words$/,
  );
  const late = client.call('web', () => new Promise(() => undefined), { timeoutMs: 30 });
  await expect(late).rejects.toBeInstanceOf(CallTimedOut);
  await expect(late).rejects.toThrow(/^web: web-\d did not answer within 30 ms$/);
});

test('a try that takes too long is aborted, and the next instance is tried', async () => {
  await using agent = await new FakeAgent(three).start();
  await using client = createClient({ api: agent.api, timeoutMs: 40 });
  const aborted: unknown[] = [];
  let tries = 0;
  const answer = await client.call('web', (_instance, signal) => {
    if (++tries === 3) return 'at last';
    return new Promise<string>(() => signal.addEventListener('abort', () => aborted.push(signal.reason)));
  });
  expect(answer).toBe('at last');
  expect(aborted).toHaveLength(2);
  expect(aborted[0]).toMatchObject({ name: 'TimeoutError' });
});

test('an error that is not the instance’s fault is thrown as it is, and held against nobody', async () => {
  await using agent = await new FakeAgent([jsonOf()]).start();
  await using client = createClient({ api: agent.api, breaker: { failures: 1 } });
  const isFailure = (error: unknown) => !(error instanceof RangeError);
  for (let turn = 0; turn < 3; turn++) {
    const wrong = client.call('web', () => Promise.reject(new RangeError('your fault')), { isFailure });
    await expect(wrong).rejects.toBeInstanceOf(RangeError);
  }
  expect(await client.call('web', () => 'fine')).toBe('fine');
});

test('a call that is called off is neither tried again nor held against the instance', async () => {
  await using agent = await new FakeAgent([jsonOf()]).start();
  await using client = createClient({ api: agent.api, breaker: { failures: 1 } });
  const calledOff = new AbortController();
  let tries = 0;
  const call = client.call(
    'web',
    () => {
      tries++;
      calledOff.abort(new Error('never mind'));
      return new Promise(() => undefined);
    },
    { signal: calledOff.signal },
  );
  await expect(call).rejects.toThrow('never mind');
  expect(tries).toBe(1);
  expect(await client.call('web', () => 'fine')).toBe('fine');
});

test('the circuit of an instance that keeps failing opens, and one call tries it later', async () => {
  await using agent = await new FakeAgent([jsonOf({ id: 'web-1' }), jsonOf({ id: 'web-2' })]).start();
  await using client = createClient({ api: agent.api, breaker: { failures: 3, openMs: 150 } });
  let isBroken = true;
  const called: string[] = [];
  const call = () =>
    client.call('web', ({ id }) => {
      called.push(id);
      if (id === 'web-1' && isBroken) throw new Error('down');
      return id;
    });
  for (let turn = 0; turn < 20; turn++) await call();
  expect(called.filter((id) => id === 'web-1')).toHaveLength(3);
  await new Promise((resolve) => setTimeout(resolve, 170));
  for (let turn = 0; turn < 5; turn++) await call();
  expect(called.filter((id) => id === 'web-1')).toHaveLength(4);
  isBroken = false;
  await new Promise((resolve) => setTimeout(resolve, 170));
  for (let turn = 0; turn < 10; turn++) await call();
  expect(called.filter((id) => id === 'web-1').length).toBeGreaterThan(7);
});

test('while one call tries an instance whose circuit was open, others go elsewhere', async () => {
  await using agent = await new FakeAgent([jsonOf({ id: 'web-1' }), jsonOf({ id: 'web-2' })]).start();
  await using client = createClient({ api: agent.api, retries: 1, breaker: { failures: 1, openMs: 50 } });
  const called: string[] = [];
  await client.call('web', ({ id }) => id === 'web-1' && Promise.reject(new Error('down')));
  await client.call('web', ({ id }) => id === 'web-1' && Promise.reject(new Error('down')));
  await new Promise((resolve) => setTimeout(resolve, 60));
  const calls = Array.from({ length: 10 }, () =>
    client.call('web', async ({ id }) => {
      called.push(id);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }),
  );
  await Promise.all(calls);
  expect(called.filter((id) => id === 'web-1')).toHaveLength(1);
});

test('an instance that was withdrawn and registered again begins with a closed circuit', async () => {
  await using agent = await new FakeAgent([jsonOf()]).start();
  await using client = createClient({ api: agent.api, retries: 0, breaker: { failures: 1 } });
  await expect(client.call('web', () => Promise.reject(new Error('down')))).rejects.toThrow('down');
  agent.remove('web-1');
  agent.put(jsonOf());
  const { length } = agent.asked;
  await until(() => client.call('web', () => true).catch(() => false));
  expect(agent.askedFor('GET', '/v1/watch')).toHaveLength(1);
  expect(agent.asked.length).toBe(length);
});

test('when the circuits of all instances are open, a call fails at once', async () => {
  await using agent = await new FakeAgent([jsonOf()]).start();
  await using client = createClient({ api: agent.api, retries: 0, breaker: { failures: 1 } });
  await expect(client.call('web', () => Promise.reject(new Error('down')))).rejects.toThrow('down');
  let calls = 0;
  const refused = client.call('web', () => calls++);
  await expect(refused).rejects.toBeInstanceOf(NoHealthyInstance);
  await expect(refused).rejects.toThrow('calls to all 1 healthy instances are suspended');
  expect(calls).toBe(0);
});

test('a service without instances, or without a healthy one, has nobody to call', async () => {
  await using agent = await new FakeAgent([jsonOf({ status: 'critical' })]).start();
  await using client = createClient({ api: agent.api });
  await expect(client.call('web', () => 1)).rejects.toThrow('none of the 1 instances is healthy');
  await expect(client.call('nothing', () => 1)).rejects.toThrow('nothing: no instance is registered');
});

test('a caller who calls a service too often is told when to come back', async () => {
  await using agent = await new FakeAgent([...three, jsonOf({ id: 'db-1', service: 'db' })]).start();
  await using client = createClient({ api: agent.api, callsPerSecond: 10, burst: 3 });
  for (let turn = 0; turn < 3; turn++) await client.call('web', () => 'fine');
  const refused = client.call('web', () => 'never');
  await expect(refused).rejects.toBeInstanceOf(RateLimited);
  const { retryAfterMs } = (await refused.catch((error: RateLimited) => error)) as RateLimited;
  expect(retryAfterMs).toBeGreaterThan(0);
  expect(retryAfterMs).toBeLessThanOrEqual(100);
  expect(await client.call('db', () => 'another service')).toBe('another service');
  await new Promise((resolve) => setTimeout(resolve, retryAfterMs + 5));
  expect(await client.call('web', () => 'fine')).toBe('fine');
});

test('quick instances are preferred where the strategy says so', async () => {
  await using agent = await new FakeAgent(three).start();
  await using client = createClient({ api: agent.api, strategy: 'least-latency' });
  const called: string[] = [];
  for (let turn = 0; turn < 12; turn++) {
    await client.call('web', async ({ id }) => {
      called.push(id);
      await new Promise((resolve) => setTimeout(resolve, id === 'web-2' ? 1 : 25));
    });
  }
  expect(called.filter((id) => id === 'web-2').length).toBeGreaterThanOrEqual(9);
});

test('the same key meets the same instance, and moves on only when that fails', async () => {
  await using agent = await new FakeAgent(three).start();
  await using client = createClient({ api: agent.api, strategy: 'sticky' });
  const key = 'session-7';
  const first = await client.call('web', ({ id }) => id, { key });
  for (let turn = 0; turn < 10; turn++) expect(await client.call('web', ({ id }) => id, { key })).toBe(first);
  const second = await client.call(
    'web',
    ({ id }) => {
      if (id === first) throw new Error('down');
      return id;
    },
    { key },
  );
  expect(second).not.toBe(first);
});

test('the agent is told how calls went: the mean time, and whether the last one failed', async () => {
  await using agent = await new FakeAgent([jsonOf({ id: 'web-1' })]).start();
  await using client = createClient({ api: agent.api });
  const instance = await client.pick('web');
  client.report(instance, { latencyMs: 10, failed: false });
  client.report(instance, { latencyMs: 21, failed: false });
  client.report(instance, { latencyMs: 9_999, failed: true });
  await until(() => agent.askedFor('POST', '/report').length > 0);
  const [report, ...more] = agent.askedFor('POST', '/report');
  expect(more).toEqual([]);
  expect(report?.url.pathname).toBe('/v1/services/web/web-1/report');
  expect(report?.body).toEqual({ LatencyMs: 16, Failed: true, Finished: false });
});

test('reports can be switched off', async () => {
  await using agent = await new FakeAgent(three).start();
  await using client = createClient({ api: agent.api, reports: false });
  await client.call('web', () => 'fine');
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  expect(agent.askedFor('POST', '/report')).toEqual([]);
});
