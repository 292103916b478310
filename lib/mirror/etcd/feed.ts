import type { Etcd } from '../../etcd/etcd.ts';
import { type Followed, follow } from '../../etcd/follow.ts';
import { TimeLimit } from '../../http/time-limit.ts';
import type { Instance } from '../../registry/instance.ts';
import { Latest } from '../latest.ts';
import { instancesPrefix } from './record.ts';
import { EtcdRecordTable } from './record-table.ts';
import { ServiceIndex } from './service-index.ts';

export type RecordFeedOptions = { readonly etcd: Etcd; readonly prefix: string };

/** So often everything is read again, in milliseconds: a watch leaves nothing out, and there may be much. */
const wholeEveryMs = 300_000;

/**
 * The records of a registry, for as many as want to know: one watch and one table, whatever their number, and none while
 * there is nobody. Who follows rejects when the cluster is away, and begins anew; what was parsed before is kept for then.
 */
export class RecordFeed {
  readonly #options: RecordFeedOptions;
  readonly #table: EtcdRecordTable;
  readonly #index = new ServiceIndex();
  #watching: Watching | undefined;

  constructor(options: RecordFeedOptions) {
    this.#options = options;
    this.#table = new EtcdRecordTable(options.prefix);
  }

  /** The healthy instances of a service, as they are and again after each change, until the signal. */
  follow(service: string, signal: AbortSignal): AsyncGenerator<readonly Instance[]> {
    return this.#follow({ topic: service, read: () => this.#index.healthy(service) }, signal);
  }

  /** The names of all services, in the same way. */
  followNames(signal: AbortSignal): AsyncGenerator<readonly string[]> {
    return this.#follow({ topic: allNames, read: () => this.#index.names() }, signal);
  }

  async *#follow<T>({ topic, read }: Followable<T>, signal: AbortSignal): AsyncGenerator<readonly T[]> {
    if (signal.aborted) return;
    using scope = new TimeLimit([signal], undefined);
    const news = new Latest<true>(scope.signal);
    const watching = this.#begin();
    const leave = () => this.#leave(watching, { topic, news });
    // Whoever has given the signal may not ask again.
    scope.signal.addEventListener('abort', leave);
    watching.followers.add(topic, news);
    if (watching.isFilled) news.set(true);
    try {
      let told: readonly T[] | undefined;
      for await (const _ of news) {
        if (watching.lost !== undefined) throw new Error(watching.lost);
        const now = read();
        if (told === undefined || !isSameList(told, now)) yield now;
        told = now;
      }
    } finally {
      leave();
    }
  }

  #begin(): Watching {
    if (this.#watching !== undefined) return this.#watching;
    const watching: Watching = {
      followers: new Followers(),
      ended: new AbortController(),
      isFilled: false,
      lost: undefined,
    };
    this.#watching = watching;
    const { etcd, prefix } = this.#options;
    const tell = (followed: Followed) => this.#take(watching, followed);
    void follow({ etcd, prefix: instancesPrefix(prefix), tell, wholeEveryMs }, watching.ended.signal);
    return watching;
  }

  #take(watching: Watching, followed: Followed): void {
    const { followers } = watching;
    if (followed.kind === 'lost') {
      watching.lost = followed.because;
      this.#end(watching);
      followers.tellAll();
      return;
    }
    const { services, hasOtherNames } = this.#index.apply(this.#table.follow(followed));
    if (!watching.isFilled) followers.tellAll();
    else followers.tell(hasOtherNames ? [allNames, ...services] : services);
    watching.isFilled = true;
  }

  #leave(watching: Watching, { topic, news }: { readonly topic: Topic; readonly news: News }): void {
    watching.followers.delete(topic, news);
    if (watching.followers.isEmpty) this.#end(watching);
  }

  #end(watching: Watching): void {
    watching.ended.abort();
    if (this.#watching === watching) this.#watching = undefined;
  }
}

const allNames = Symbol('the names of all services');
type Topic = string | typeof allNames;
type Followable<T> = { readonly topic: Topic; readonly read: () => readonly T[] };

/** That there is something to read: whoever is slow reads the latest. */
type News = Latest<true>;

/** From the first follower to the last, or to the first failure. */
type Watching = {
  readonly followers: Followers;
  readonly ended: AbortController;
  isFilled: boolean;
  lost: string | undefined;
};

/** By what they follow. */
class Followers {
  readonly #topics = new Map<Topic, Set<News>>();

  get isEmpty(): boolean {
    return this.#topics.size === 0;
  }

  add(topic: Topic, news: News): void {
    this.#topics.set(topic, (this.#topics.get(topic) ?? new Set()).add(news));
  }

  delete(topic: Topic, news: News): void {
    const followers = this.#topics.get(topic);
    followers?.delete(news);
    if (followers?.size === 0) this.#topics.delete(topic);
  }

  tell(topics: Iterable<Topic>): void {
    for (const topic of topics) for (const news of this.#topics.get(topic) ?? []) news.set(true);
  }

  tellAll(): void {
    this.tell(this.#topics.keys());
  }
}

/** What has not changed is the same object from step to step. */
function isSameList<T>(one: readonly T[], other: readonly T[]): boolean {
  return one.length === other.length && one.every((item, at) => item === other[at]);
}
