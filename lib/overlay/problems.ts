import { messageOf } from '../errors/cni-error.ts';
import type { Log } from '../log/log.ts';

/** What keeps a daemon from its work at the moment, by topic; each is logged when it comes and when it has gone. */
export class Problems {
  readonly #log: Log;
  readonly #byTopic = new Map<string, readonly string[]>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** All there are, in the order of their topics. */
  get all(): readonly string[] {
    return [...this.#byTopic].flatMap(([topic, texts]) => texts.map((text) => `${topic}: ${text}`));
  }

  /** Replaces what is known of a topic. */
  set(topic: string, texts: readonly string[]): void {
    const known = this.#byTopic.get(topic) ?? [];
    for (const text of texts) if (!known.includes(text)) this.#log.warn(`${topic}: ${text}`);
    if (texts.length > 0) this.#byTopic.set(topic, texts);
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
}
