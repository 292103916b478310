import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type Etcd, EtcdError, type Range, type WatchBatch } from '../../../lib/etcd/etcd.ts';
import { type Followed, type FollowOptions, follow } from '../../../lib/etcd/follow.ts';
import { until } from '../../support/until.ts';

const gone = new EtcdError('unreachable', 'a', 'etcd at a: gone');
const refused = new EtcdError('refused', 'a', 'etcd at a: refused');

describe('following a prefix', () => {
  test('goes on from the revision of what was read', async () => {
    const watched: number[] = [];
    const etcd = scripted({
      list: async () => at(7),
      watch: (fromRevision) => {
        watched.push(fromRevision);
        return untilAborted;
      },
    });

    await using following = start({ etcd });
    await until(() => watched.length > 0, 'a watch');

    expect(watched).toEqual([8]);
    expect(following.told).toEqual([{ kind: 'whole', ...at(7) }]);
  });

  test('does not tell of a failure that the next attempt puts right', async () => {
    const etcd = scripted({ list: alternating([gone, at(1)]) });

    await using following = start({ etcd });
    await until(() => following.told.length > 0, 'the beginning');

    expect(following.told).toEqual([{ kind: 'whole', ...at(1) }]);
  });

  test('tells of each reason once, and of a refusal at once', async () => {
    const etcd = scripted({ list: alternating([refused, gone, gone, refused, gone, at(1)]) });

    await using following = start({ etcd });
    await until(() => following.told.length > 2, 'the beginning');

    expect(following.told).toEqual([
      { kind: 'lost', because: 'etcd at a: refused' },
      { kind: 'lost', because: 'etcd at a: gone' },
      { kind: 'whole', ...at(1) },
    ]);
  });

  test('tells of a watch that fails again and again, once', async () => {
    const etcd = scripted({
      list: async () => at(1),
      watch: () =>
        async function* () {
          yield* [];
          throw gone;
        },
    });

    await using following = start({ etcd });
    await until(() => following.told.filter(({ kind }) => kind === 'whole').length > 5, 'some attempts');

    expect(following.told.filter(({ kind }) => kind === 'lost')).toEqual([
      { kind: 'lost', because: 'etcd at a: gone' },
    ]);
  });

  test('reads everything again when another endpoint answers than the one that was watched', async () => {
    let endpoint = 'a';
    const etcd = scripted({ list: async () => at(1), endpoint: () => endpoint });

    await using following = start({ etcd });
    await until(() => following.told.length === 1, 'the beginning');
    endpoint = 'b';

    await until(() => following.told.length === 2, 'everything again');
    expect(following.told[1]).toMatchObject({ kind: 'whole' });
  });

  test('reads everything again when the store has gone back', async () => {
    let revision = 9;
    const etcd = scripted({ list: async () => at(revision), get: async () => at(revision) });

    await using following = start({ etcd });
    await until(() => following.told.length === 1, 'the beginning');
    revision = 3;

    await until(() => following.told.length === 2, 'everything again');
    expect(following.told[1]).toEqual({ kind: 'whole', ...at(3) });
  });

  test('takes no heartbeat for failed that was under way when everything was due', async () => {
    const etcd = scripted({
      list: async () => at(1),
      get: (signal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      watch: () =>
        async function* (signal) {
          yield* untilAborted(signal);
          await sleep(5);
        },
    });

    await using following = start({ etcd, wholeEveryMs: 40 });
    await until(() => following.told.length >= 5, 'everything a few times');

    expect(following.told.every(({ kind }) => kind === 'whole')).toBe(true);
  });

  test('ends a watch that tells nothing any more when there is no sign of life', async () => {
    let isAlive = true;
    const etcd = scripted({
      list: async () => {
        if (isAlive) return at(1);
        throw gone;
      },
      get: async () => {
        if (isAlive) return at(1);
        throw gone;
      },
    });

    await using following = start({ etcd });
    await until(() => following.told.length === 1, 'the beginning');
    isAlive = false;

    await until(() => following.told.length === 2, 'the loss');
    expect(following.told[1]).toEqual({ kind: 'lost', because: 'etcd at a: gone' });
  });
});

const at = (revision: number): Range => ({ revision, kvs: [] });

type Stream = (signal: AbortSignal) => AsyncIterable<WatchBatch>;

async function* untilAborted(signal: AbortSignal): AsyncGenerator<WatchBatch> {
  yield* [];
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
}

/** Answers or fails in this order, the last one for ever. */
function alternating(answers: readonly (Range | Error)[]): () => Promise<Range> {
  let asked = 0;
  return async () => {
    const answer = answers[Math.min(asked++, answers.length - 1)] ?? gone;
    if (answer instanceof Error) throw answer;
    return answer;
  };
}

/** A cluster that answers what the test says. */
function scripted(script: {
  readonly list: () => Promise<Range>;
  readonly get?: (signal: AbortSignal) => Promise<Range>;
  readonly watch?: (fromRevision: number) => Stream;
  readonly endpoint?: () => string;
}): Etcd {
  const unused = async () => {
    throw new Error('a follower does not write');
  };
  return {
    get endpoint() {
      return script.endpoint?.() ?? 'a';
    },
    list: script.list,
    get: (_, signal) => script.get?.(signal) ?? script.list(),
    watch: (_, fromRevision, signal) => (script.watch?.(fromRevision) ?? untilAborted)(signal),
    ...{ getAll: unused, commit: unused, grant: unused, keepAlive: unused, revoke: unused },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function start(options: Pick<FollowOptions, 'etcd' | 'wholeEveryMs'>) {
  const told: Followed[] = [];
  const controller = new AbortController();
  const following = follow(
    { prefix: '/', heartbeatMs: 20, longestPauseMs: 5, tell: (followed) => told.push(followed), ...options },
    controller.signal,
  );
  return {
    told,
    [Symbol.asyncDispose]: async () => {
      controller.abort();
      await following;
    },
  };
}
