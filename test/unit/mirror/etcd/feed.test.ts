import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { EtcdError, type WatchBatch } from '../../../../lib/etcd/etcd.ts';
import { RecordFeed } from '../../../../lib/mirror/etcd/feed.ts';
import { Latest } from '../../../../lib/mirror/latest.ts';
import type { Instance } from '../../../../lib/registry/instance.ts';
import { EtcdInMemory } from '../../../support/etcd-in-memory.ts';
import { instanceOf } from '../../../support/registry.ts';

const prefix = '/fairlead/registry';
const noEnd = new AbortController().signal;

/** A cluster in memory whose watches tell what `change` has done, and are counted. */
class WatchedEtcd extends EtcdInMemory {
  lists = 0;
  watches = 0;
  open = 0;
  readonly #tellers = new Set<Latest<WatchBatch>>();

  change(id: string, said: Partial<Instance> = {}): void {
    const key = `${prefix}/instances/n1/${id}`;
    this.write(key, JSON.stringify(instanceOf({ id, owner: { kind: 'api', node: 'n1' }, ...said })));
    const kv = this.keys.get(key);
    if (kv === undefined) return;
    for (const teller of this.#tellers)
      teller.set({ revision: kv.modRevision, events: [{ kind: 'put', kv }] });
  }

  override list(...asked: Parameters<EtcdInMemory['list']>) {
    this.lists++;
    return super.list(...asked);
  }

  override async *watch(_prefix = '', _from = 0, signal = noEnd): AsyncGenerator<WatchBatch> {
    const teller = new Latest<WatchBatch>(signal);
    this.watches++;
    this.open++;
    this.#tellers.add(teller);
    try {
      yield* teller;
    } finally {
      this.#tellers.delete(teller);
      this.open--;
    }
  }
}

/** What a follower is told, as it comes. */
function listen(following: AsyncIterable<readonly (Instance | string)[]>) {
  const told: (readonly string[])[] = [];
  const ended = (async () => {
    for await (const items of following)
      told.push(items.map((item) => (typeof item === 'string' ? item : `${item.id}:${item.weight}`)));
    return 'at the signal';
  })().catch(String);
  return { told, ended };
}

const away = (etcd: EtcdInMemory, times: number) => {
  const error = new EtcdError('refused', etcd.endpoint, 'etcd says no');
  for (let time = 0; time < times; time++) etcd.failures.push({ call: 'list', error });
};

describe('the feed of records', () => {
  test('asks once, however many follow, tells each of its own service, and ends with the last', async () => {
    const etcd = new WatchedEtcd();
    for (let at = 0; at < 100; at++) etcd.change(`i-${at}`, { service: `s${at}` });
    const feed = new RecordFeed({ etcd, prefix });
    const end = new AbortController();
    const names = listen(feed.followNames(end.signal));
    const services = Array.from({ length: 100 }, (_, at) =>
      listen(feed.follow(`s${at}.default`, end.signal)),
    );
    await sleep(20);

    etcd.change('i-7', { service: 's7', weight: 9 });
    await sleep(20);
    const late = listen(feed.follow('s7.default', end.signal));
    await sleep(20);
    const asked = [etcd.lists, etcd.watches, etcd.open];
    end.abort();
    await Promise.all([names, late, ...services].map(({ ended }) => ended));
    await sleep(0);

    expect([asked, etcd.open]).toEqual([[1, 1, 1], 0]);
    expect(names.told.map(({ length }) => length)).toEqual([100]);
    expect(services[7]?.told).toEqual([['i-7:1'], ['i-7:9']]);
    expect(services.flatMap(({ told }, at) => (told.length === 1 ? [] : at))).toEqual([7]);
    expect(late.told).toEqual([['i-7:9']]);
  });

  test('ends with the signal of the last, also where that one does not ask any more', async () => {
    const etcd = new WatchedEtcd();
    const end = new AbortController();
    const following = new RecordFeed({ etcd, prefix }).follow('web.default', end.signal);
    const first = await following.next();
    await sleep(20);
    const before = etcd.open;

    end.abort();
    await sleep(20);

    expect([first.value, before, etcd.open]).toEqual([[], 1, 0]);
  });

  test('throws to all what the cluster says, and tells those who come again when it is back', async () => {
    const etcd = new WatchedEtcd();
    etcd.change('web-1');
    away(etcd, 2);
    const feed = new RecordFeed({ etcd, prefix });
    const [names, web] = [listen(feed.followNames(noEnd)), listen(feed.follow('web.default', noEnd))];
    const ended = await Promise.all([names.ended, web.ended]);

    const again = await listen(feed.follow('web.default', noEnd)).ended;
    const end = new AbortController();
    const back = listen(feed.follow('web.default', end.signal));
    await sleep(20);
    end.abort();
    await back.ended;

    expect([...ended, again]).toEqual(Array(3).fill('Error: etcd says no'));
    expect([web.told, back.told]).toEqual([[], [['web-1:1']]]);
  });

  test('tells of what has gone while nobody followed', async () => {
    const etcd = new WatchedEtcd();
    etcd.change('web-1');
    etcd.change('web-2');
    const feed = new RecordFeed({ etcd, prefix });
    const followOnce = async () => {
      const following = feed.follow('web.default', noEnd);
      const { value } = await following.next();
      await following.return(undefined);
      return value?.map(({ id }: Instance) => id);
    };

    const before = await followOnce();
    etcd.keys.delete(`${prefix}/instances/n1/web-1`);

    expect([before, await followOnce()]).toEqual([['web-1', 'web-2'], ['web-2']]);
  });
});
