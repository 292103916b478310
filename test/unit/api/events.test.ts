import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { begin, call, createRig, draftOf, until } from './rig.ts';

type Event = { event?: string; id?: string; data?: string; retry?: string; comment?: string };

/** What has come of a stream so far. */
class Stream {
  readonly response: IncomingMessage;
  text = '';

  constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding('utf8').on('data', (chunk: string) => {
      this.text += chunk;
    });
    response.on('error', () => {});
  }

  get events(): readonly Event[] {
    return this.text.split('\n\n').slice(0, -1).map(parseEvent);
  }

  [Symbol.dispose](): void {
    this.response.destroy();
  }
}

function parseEvent(block: string): Event {
  const fields = block.split('\n').map((line) => {
    const [name = '', ...value] = line.split(': ');
    return [name === '' ? 'comment' : name, value.join(': ')];
  });
  return Object.fromEntries(fields);
}

async function open(where: string, query = '', lastEventId?: string): Promise<Stream> {
  const headers = { Accept: 'text/event-stream', ...(lastEventId && { 'Last-Event-ID': lastEventId }) };
  const response = await begin(where, `GET /v1/watch${query}`, { headers });
  expect(response.headers['content-type']).toBe('text/event-stream');
  return new Stream(response);
}

test('a stream begins with a snapshot and goes on with one event for each revision', async () => {
  await using rig = await createRig({ refreshMs: 5 });
  rig.other.put(draftOf({ id: 'a' }));
  using stream = await open(rig.socket);
  await until('the snapshot is there', () => stream.events.length === 2);
  rig.other.updateAll(new Map([['a', { weight: 2 }]]));
  rig.other.remove(['a']);
  await until('both changes are there', () => stream.events.length === 4);
  const [retry, snapshot, changed, removed] = stream.events;
  expect(retry).toEqual({ retry: '1000' });
  expect(snapshot).toMatchObject({ event: 'snapshot', id: '1' });
  expect(JSON.parse(snapshot?.data ?? '')).toMatchObject({
    revision: 1,
    instances: [{ id: 'a', weight: 1 }],
  });
  expect(changed).toMatchObject({ event: 'change', id: '2' });
  expect(JSON.parse(changed?.data ?? '')).toMatchObject({
    revision: 2,
    changes: [{ revision: 2, kind: 'put', instance: { id: 'a', weight: 2 } }],
  });
  expect(JSON.parse(removed?.data ?? '')).toMatchObject({ revision: 3, changes: [{ kind: 'remove' }] });
});

test('several instances changed by one commit are one event', async () => {
  await using rig = await createRig({ refreshMs: 5 });
  for (const id of ['a', 'b', 'c']) rig.other.put(draftOf({ id }));
  using stream = await open(rig.socket, '?since=3');
  await until('the stream is open', () => stream.events.length === 1);
  rig.other.remove(['a', 'b', 'c']);
  await until('the change is there', () => stream.events.length === 2);
  expect(JSON.parse(stream.events[1]?.data ?? '').changes).toHaveLength(3);
});

test('a stream resumes behind the last event that was seen', async () => {
  await using rig = await createRig();
  for (const id of ['a', 'b', 'c']) rig.other.put(draftOf({ id }));
  using stream = await open(rig.socket, '?since=0', '1');
  await until('what was missed is there', () => stream.events.length === 3);
  expect(stream.events.slice(1).map(({ event, id }) => `${event} ${id}`)).toEqual(['change 2', 'change 3']);
});

test.each(['99', 'not-ours', '0'])('a stream that cannot resume at %s begins with a snapshot', async (id) => {
  await using rig = await createRig({
    prepare: (store, sql) => {
      store.put(draftOf({ id: 'a' }));
      sql('DELETE FROM changes');
    },
  });
  using stream = await open(rig.socket, '', id);
  await until('the snapshot is there', () => stream.events.length === 2);
  expect(stream.events[1]).toMatchObject({ event: 'snapshot', id: '1' });
});

test('a stream of one service is told of no other, and its id moves on nevertheless', async () => {
  await using rig = await createRig({ refreshMs: 5, limits: { eventPauseMs: 30 } });
  using stream = await open(rig.socket, '?service=web');
  rig.other.put(draftOf({ id: 'a', serviceName: 'db' }));
  await until('the id has moved on', () => stream.events.at(-1)?.id === '1');
  expect(stream.events.at(-1)).toEqual({ comment: 'alive', id: '1' });
  expect(stream.events.filter(({ event }) => event === 'change')).toEqual([]);
});

test('a client that does not read is disconnected, and resumes where it was', async () => {
  await using rig = await createRig({ refreshMs: 5, limits: { watchBufferBytes: 10_000, eventPauseMs: 2 } });
  using slow = await open(rig.socket);
  await until('the snapshot is there', () => slow.events.length >= 2);
  slow.response.pause();
  const meta = { text: 'x'.repeat(255) };
  // A Unix socket takes some 200 kB before the agent has to keep anything.
  for (let turn = 0; turn < 1_500; turn++) rig.other.put(draftOf({ id: `i${turn}`, meta }));
  await until('the client is disconnected', () => rig.api.watcherCount() === 0);
  slow.response.resume();
  await until('the connection is over', () => slow.response.destroyed);
  const last = slow.events.findLast(({ id }) => id !== undefined)?.id ?? '0';
  using again = await open(rig.socket, '', last);
  await until('the rest is there', () => again.events.at(-1)?.id === '1500');
  const ids = [...slow.events, ...again.events]
    .filter(({ event }) => event === 'change')
    .map(({ id }) => Number(id));
  expect(ids).toEqual(Array.from({ length: 1_500 }, (_, index) => index + 1));
});

test('a client that goes away is forgotten', async () => {
  await using rig = await createRig();
  const stream = await open(rig.socket);
  expect(rig.api.watcherCount()).toBe(1);
  stream[Symbol.dispose]();
  await until('nobody watches', () => rig.api.watcherCount() === 0);
});

test('200 watchers are told of a change within 100 ms of its commit, at the best of three', async () => {
  await using rig = await createRig({ refreshMs: 20 });
  rig.other.put(draftOf({ id: 'a' }));
  const streams = await Promise.all(Array.from({ length: 100 }, () => open(rig.socket, '?service=web')));
  const toldMs: number[] = [];
  for (const weight of [2, 3, 4]) {
    const line = `GET /v1/watch?since=${rig.view.revision}&service=web&wait=20s`;
    const polls = Array.from({ length: 100 }, () => call(rig.socket, line));
    await until('all watch', () => rig.api.watcherCount() === 200);
    const committedMs = performance.now();
    rig.other.update('a', { weight });
    const answers = await Promise.all(polls);
    await until('all streams have it', () =>
      streams.every(({ text }) => text.includes(`"weight":${weight}`)),
    );
    toldMs.push(performance.now() - committedMs);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  }
  for (const stream of streams) stream[Symbol.dispose]();
  console.log(`200 watchers are told after ${toldMs.map(Math.round).join(', ')} ms`);
  expect(Math.min(...toldMs)).toBeLessThan(100);
});
