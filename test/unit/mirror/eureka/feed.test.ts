import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { HttpFailure } from '../../../../lib/http/http-failure.ts';
import { Feed } from '../../../../lib/mirror/eureka/feed.ts';
import type { Applications, RawInstance } from '../../../../lib/mirror/eureka/instance-info.ts';

const forbidden = new HttpFailure(
  { what: 'eureka', endpoint: 'http://192.0.2.1:1', call: 'GET /eureka/apps/delta' },
  { kind: 'refused', status: 403, because: 'HTTP 403' },
);

test('everything is asked for once, and then what has changed, however many follow', async () => {
  const server = new ScriptedServer(list('UP_1_', raw('WEB', 'a')));
  const feed = new Feed({ client: server, pollMs: 10 });
  const end = new AbortController();
  const followers = [1, 2, 3].map(() => feed.follow(end.signal));
  for (const follower of followers) await follower.next();

  server.delta = list('UP_2_', raw('WEB', 'b', { actionType: 'ADDED' }));
  const told = await Promise.all(followers.map((follower) => follower.next()));
  end.abort();

  expect(told.map(({ value }) => value?.instancesOf('WEB').length)).toEqual([2, 2, 2]);
  expect(server.askedForAll).toBe(1);
});

test('with the last who follows it ends, and with the next it begins anew', async () => {
  const server = new ScriptedServer(list('UP_1_', raw('WEB', 'a')));
  const feed = new Feed({ client: server, pollMs: 10 });
  const follower = feed.follow(new AbortController().signal);
  await follower.next();
  await follower.return(undefined);
  await sleep(30);
  const asked = server.asked;
  await sleep(60);
  const askedLater = server.asked;

  const next = await feed.follow(new AbortController().signal).next();

  expect(askedLater).toBe(asked);
  expect(next.value?.names()).toEqual(['WEB']);
  expect(server.askedForAll).toBe(2);
});

test('a failure is told to all who follow, and the next one begins anew', async () => {
  const server = new ScriptedServer(list('UP_1_', raw('WEB', 'a')));
  const feed = new Feed({ client: server, pollMs: 10 });
  const signal = new AbortController().signal;
  const followers = [feed.follow(signal), feed.follow(signal)];
  for (const follower of followers) await follower.next();

  server.delta = new Error('away');

  await expect(Promise.allSettled(followers.map((follower) => follower.next()))).resolves.toEqual([
    expect.objectContaining({ status: 'rejected', reason: server.delta }),
    expect.objectContaining({ status: 'rejected', reason: server.delta }),
  ]);
  server.delta = 'unchanged';
  expect((await feed.follow(signal).next()).value?.names()).toEqual(['WEB']);
});

test('a server that tells no changes is followed all the same', async () => {
  const server = new ScriptedServer(list('UP_1_', raw('WEB', 'a')));
  server.delta = forbidden;
  const feed = new Feed({ client: server, pollMs: 10, repairEveryMs: 50 });
  const follower = feed.follow(new AbortController().signal);
  await follower.next();

  server.all = list('UP_1_', raw('API', 'b'));
  const told = await follower.next();
  await follower.return(undefined);

  expect(told.value?.names()).toEqual(['API']);
});

test('changes that do not add up make it ask for everything, but not each time', async () => {
  const server = new ScriptedServer(list('UP_1_', raw('WEB', 'a')));
  const feed = new Feed({ client: server, pollMs: 10, repairEveryMs: 200 });
  const follower = feed.follow(new AbortController().signal);
  await follower.next();

  server.delta = list('UP_9_', raw('WEB', 'b'));
  await sleep(500);
  await follower.return(undefined);

  expect(server.askedForAll).toBeGreaterThanOrEqual(2);
  expect(server.askedForAll).toBeLessThanOrEqual(4);
});

/** Answers what a test says at the moment. */
class ScriptedServer {
  all: Applications;
  delta: Applications | Error | 'unchanged' = 'unchanged';
  asked = 0;
  askedForAll = 0;

  constructor(all: Applications) {
    this.all = all;
  }

  async everything(): Promise<Applications> {
    this.asked++;
    this.askedForAll++;
    return this.all;
  }

  createDeltaReader(): () => Promise<Applications | 'unchanged'> {
    return async () => {
      this.asked++;
      if (this.delta instanceof Error) throw this.delta;
      return this.delta;
    };
  }
}

function list(hashCode: string, ...instances: readonly RawInstance[]): Applications {
  return { hashCode, instances };
}

function raw(app: string, instanceId: string, said: RawInstance = {}): RawInstance {
  return { app, instanceId, ipAddr: '192.0.2.7', status: 'UP', ...said };
}
