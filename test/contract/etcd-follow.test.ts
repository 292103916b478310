import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { connectEtcd } from '../../lib/etcd/client.ts';
import type { Etcd } from '../../lib/etcd/etcd.ts';
import { type Followed, type FollowOptions, follow } from '../../lib/etcd/follow.ts';
import { limitMs, rounds } from '../support/binaries.ts';
import { EtcdServers } from '../support/etcd.ts';
import { Link } from '../support/link.ts';
import { Random } from '../support/random.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

const loopback = { address: '127.0.0.1' };
const prefix = '/followed/';

// Most of it is waiting for servers.
describe.concurrent('a follower of a real etcd', { timeout: 40_000 }, () => {
  test('is told everything first, then each change', async () => {
    await using rig = await start();
    await rig.servers.etcdctl('put', `${prefix}a`, '1');
    await using follower = rig.follow();
    await follower.knows({ a: '1' });

    await rig.servers.etcdctl('put', `${prefix}b`, '2');
    await rig.servers.etcdctl('del', `${prefix}a`);
    await follower.knows({ b: '2' });

    expect(follower.kinds()).toEqual(['whole', 'changes', 'changes']);
  });

  test('waits for a cluster that is not there yet, and says so once', async () => {
    await using rig = await start();
    const [member] = rig.servers.members;
    await member?.kill();
    await using follower = rig.follow({ longestPauseMs: 100 });
    await until(() => follower.told.length === 1, 'the loss');
    await sleep(400);
    expect(follower.told).toEqual([{ kind: 'lost', because: expect.stringContaining('ECONNREFUSED') }]);

    await member?.restart();
    await rig.servers.etcdctl('put', `${prefix}a`, '1');
    await follower.knows({ a: '1' });

    expect(follower.kinds().slice(0, 2)).toEqual(['lost', 'whole']);
  });

  test('is told everything again after a restart, and what it has missed', async () => {
    await using rig = await start();
    await rig.servers.etcdctl('put', `${prefix}a`, '1');
    await using follower = rig.follow();
    await follower.knows({ a: '1' });

    await rig.servers.members[0]?.restart();
    await rig.servers.etcdctl('put', `${prefix}b`, '2');
    await follower.knows({ a: '1', b: '2' });
  });

  test('is told everything again where the revision to go on from was compacted', async () => {
    await using rig = await start();
    await rig.servers.etcdctl('put', `${prefix}a`, '1');
    await using follower = rig.follow({}, compactingBeforeWatch(rig));

    await follower.knows({ a: '3' });

    expect(follower.kinds().slice(0, 2)).toEqual(['whole', 'whole']);
  });

  test('notices that the cluster has begun anew', async () => {
    await using rig = await start();
    for (const value of ['1', '2', '3', '4']) await rig.servers.etcdctl('put', `${prefix}old`, value);
    await using follower = rig.follow();
    await follower.knows({ old: '4' });

    await rig.servers.wipe();
    await rig.servers.etcdctl('put', `${prefix}new`, '1');

    await follower.knows({ new: '1' });
  });

  test('reads everything now and then, and loses nothing that is written meanwhile', async () => {
    await using rig = await start();
    await using follower = rig.follow({ wholeEveryMs: 50 });
    await until(() => follower.told.length > 0, 'the beginning');

    for (let number = 1; number <= 30; number++) await rig.servers.etcdctl('put', `${prefix}a`, `${number}`);

    await follower.knows({ a: '30' });
    expect(follower.kinds().filter((kind) => kind === 'whole').length).toBeGreaterThan(5);
    expect(follower.goesBack()).toBe(false);
  });

  test('is told why it is refused', async () => {
    await using rig = await start({ auth: { rootPassword: 'right' } });
    await using etcd = connectEtcd({ ...rig.servers.config, user: { name: 'root', password: 'wrong' } });
    await using follower = rig.follow({ longestPauseMs: 50 }, etcd);

    await until(() => follower.told.length > 0, 'the loss');
    await sleep(300);

    expect(follower.told).toEqual([
      { kind: 'lost', because: expect.stringMatching('authentication failed.*user "root"') },
    ]);
  });

  test('follows another member when its own is frozen, and when it is killed', async () => {
    await using rig = await start({ members: 3 });
    await rig.servers.etcdctl('put', `${prefix}a`, '1');
    await using follower = rig.follow();
    await follower.knows({ a: '1' });
    const first = rig.memberOf(rig.etcd);

    first.stop();
    await rig.servers.leader();
    await rig.servers.etcdctl('put', `${prefix}b`, '2');
    await follower.knows({ a: '1', b: '2' });
    const second = rig.memberOf(rig.etcd);
    first.cont();
    await rig.servers.ready();
    await second.kill();
    await rig.servers.leader();
    await rig.servers.etcdctl('put', `${prefix}c`, '3');

    await follower.knows({ a: '1', b: '2', c: '3' });
    expect(second).not.toBe(first);
  });

  test('follows again within seconds after a link was cut so long that its connections are of no use', async () => {
    await using rig = await start();
    await using link = await Link.to(rig.servers.endpoints[0] ?? '');
    await using etcd = connectEtcd({
      ...rig.servers.config,
      endpoints: [link.url as string],
      timeoutMs: 1_000,
    });
    await using follower = rig.follow({}, etcd);
    await until(() => follower.told.length > 0, 'the beginning');

    link.cut();
    await rig.servers.etcdctl('put', `${prefix}a`, '1');
    await until(() => follower.kinds().includes('lost'), 'the loss');
    link.heal();
    const healedAtMs = performance.now();
    await follower.knows({ a: '1' });

    expect(performance.now() - healedAtMs).toBeLessThan(4_000);
  });

  const random = new Random();
  const steps = rounds({ short: 20, soak: 400 });
  test(`knows what etcd has after ${steps} happenings of SEED=${random.seed}`, {
    timeout: limitMs(steps, 2_000),
  }, async () => {
    await using rig = await start();
    const { servers } = rig;
    const [member] = servers.members;
    await using follower = rig.follow({ wholeEveryMs: 700, heartbeatMs: 200, longestPauseMs: 200 });
    const put = (number: number) => servers.etcdctl('put', `${prefix}${number % 5}`, `${number}`);
    const happenings: readonly ((number: number) => Promise<unknown>)[] = [
      put,
      put,
      put,
      (number) => servers.etcdctl('del', `${prefix}${number % 5}`),
      async () =>
        servers.etcdctl(
          'compact',
          /revision":(\d+)/.exec(await servers.etcdctl('get', '/', '-w', 'json'))?.[1] ?? '',
        ),
      async () => member?.restart(),
      async () => servers.wipe(),
      async () => {
        member?.stop();
        await sleep(300);
        member?.cont();
      },
    ];

    for (let number = 0; number < steps; number++)
      // Compacting what is compacted already is refused.
      await random
        .pick(happenings)(number)
        .catch(() => undefined);
    await put(99);

    await follower.knows(await rig.contents());
  });
});

describe('following', { timeout: 20_000 }, () => {
  test('ends with its signal at any time, and leaves nothing', async () => {
    await using rig = await start();
    const before = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

    for (const afterMs of [0, 1, 5, 20, 100, 250]) {
      const controller = new AbortController();
      const told: Followed[] = [];
      const following = follow(
        {
          etcd: rig.etcd,
          prefix,
          tell: (followed) => told.push(followed),
          heartbeatMs: 50,
          wholeEveryMs: 60,
        },
        controller.signal,
      );
      await sleep(afterMs);
      controller.abort();
      await following;
      const count = told.length;
      await sleep(20);
      expect(told.length).toBe(count);
    }

    expect(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length).toBe(before);
  });
});

type Rig = AsyncDisposable & {
  readonly servers: EtcdServers;
  readonly etcd: Etcd;
  readonly follow: (options?: Partial<FollowOptions>, etcd?: Etcd) => Follower;
  /** The member that a client asks. */
  readonly memberOf: (etcd: Etcd) => EtcdServers['members'][number];
  /** What etcdctl shows below the prefix. */
  readonly contents: () => Promise<Record<string, string>>;
};

async function start({
  members = 1,
  ...options
}: {
  readonly members?: 1 | 3;
  readonly auth?: { readonly rootPassword: string };
} = {}): Promise<Rig> {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(temporaryDirectory());
  const places = Array.from({ length: members }, () => loopback);
  const servers = stack.use(await EtcdServers.start({ dir: dir.path, places, ...options }));
  const etcd = stack.use(connectEtcd(servers.config));
  const owned = stack.move();
  return {
    servers,
    etcd,
    follow: (overrides = {}, other = etcd) => new Follower({ etcd: other, ...overrides }),
    memberOf: ({ endpoint }) => {
      const found = servers.members.find((member) => member.endpoint === endpoint);
      if (found === undefined) throw new Error(`${endpoint} is no member`);
      return found;
    },
    contents: async () => {
      const lines = (await servers.etcdctl('get', prefix, '--prefix')).split('\n').slice(0, -1);
      return Object.fromEntries(
        lines.flatMap((key, at) => (at % 2 === 0 ? [[key.slice(prefix.length), lines[at + 1] ?? '']] : [])),
      );
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Keeps what it is told in a table, as a user of `follow` does. */
class Follower implements AsyncDisposable {
  readonly told: Followed[] = [];
  readonly #controller = new AbortController();
  readonly #following: Promise<void>;
  #table = new Map<string, string>();

  constructor(options: Pick<FollowOptions, 'etcd'> & Partial<FollowOptions>) {
    this.#following = follow(
      { prefix, tell: (followed) => this.#take(followed), ...options },
      this.#controller.signal,
    );
  }

  kinds(): readonly Followed['kind'][] {
    return this.told.map(({ kind }) => kind);
  }

  /** Whether an earlier revision was told after a later one. */
  goesBack(): boolean {
    const revisions = this.told.flatMap((followed) => (followed.kind === 'lost' ? [] : [followed.revision]));
    return revisions.some((revision, at) => revision < (revisions[at - 1] ?? 0));
  }

  /** Resolves when it knows exactly these keys below the prefix. */
  async knows(expected: Record<string, string>): Promise<void> {
    const wanted = JSON.stringify(Object.entries(expected).sort());
    const known = () => JSON.stringify([...this.#table].sort());
    await until(
      () => known() === wanted,
      `the follower to know ${wanted}; it knows `,
      () => `${known()} by ${JSON.stringify(this.told.slice(-5))}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#controller.abort();
    await this.#following;
  }

  #take(followed: Followed): void {
    this.told.push(followed);
    if (followed.kind === 'lost') return;
    if (followed.kind === 'whole') {
      this.#table = new Map(followed.kvs.map(({ key, value }) => [key.slice(prefix.length), value]));
      return;
    }
    for (const event of followed.events)
      if (event.kind === 'put') this.#table.set(event.kv.key.slice(prefix.length), event.kv.value);
      else this.#table.delete(event.key.slice(prefix.length));
  }
}

/** The rig's client, but that the first watch comes after its revision was compacted. */
function compactingBeforeWatch({ etcd, servers }: Rig): Etcd {
  let isFirst = true;
  return {
    ...{
      get: etcd.get.bind(etcd),
      getAll: etcd.getAll.bind(etcd),
      list: etcd.list.bind(etcd),
      commit: etcd.commit.bind(etcd),
    },
    ...{ grant: etcd.grant.bind(etcd), keepAlive: etcd.keepAlive.bind(etcd), revoke: etcd.revoke.bind(etcd) },
    endpoint: etcd.endpoint,
    async *watch(watched, fromRevision, signal) {
      if (isFirst) {
        isFirst = false;
        for (const value of ['2', '3']) await servers.etcdctl('put', `${prefix}a`, value);
        await servers.etcdctl('compact', String(fromRevision + 1));
      }
      yield* etcd.watch(watched, fromRevision, signal);
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}
