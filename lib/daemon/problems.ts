import { messageOf } from '../errors/cni-error.ts';
import type { Log } from '../log/log.ts';
import { firstOf, News } from './news.ts';

type Topic = { readonly news: News; texts: readonly string[] };

/** What keeps a daemon from its work at the moment, by topic; each is logged when it comes and when it has gone. */
export class Problems {
  readonly #log: Log;
  readonly #byTopic = new Map<string, Topic>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** The first of each topic, in the order of the topics. */
  get all(): readonly string[] {
    return [...this.#byTopic].flatMap(([topic, { texts }]) =>
      firstOf(texts).map((text) => `${topic}: ${text}`),
    );
  }

  /** Replaces what is known of a topic. */
  set(topic: string, texts: readonly string[]): void {
    const known = this.#byTopic.get(topic) ?? { news: new News(), texts: [] };
    for (const line of known.news.take(texts)) this.#log.warn(`${topic}: ${line}`);
    known.texts = texts;
    if (texts.length > 0) this.#byTopic.set(topic, known);
    else if (this.#byTopic.delete(topic)) this.#log.info(`${topic}: is well again`);
  }

  /** What the work throws is what is known of its topic. */
  try(topic: string, work: () => void): void {
    try {
      work();
      this.set(topic, []);
    } catch (error) {
      this.set(topic, [messageOf(error)]);
    }
  }

  /** The same for work that takes its time. */
  async during(topic: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.set(topic, []);
    } catch (error) {
      this.set(topic, [messageOf(error)]);
    }
  }

  /** For work that answers with what stands in the way. */
  async gather(topic: string, work: () => Promise<readonly string[]>): Promise<void> {
    try {
      this.set(topic, await work());
    } catch (error) {
      this.set(topic, [messageOf(error)]);
    }
  }
}
