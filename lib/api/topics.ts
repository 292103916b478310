import type { Change, Instance } from '../registry/instance.ts';
import { everyNamespace } from './access.ts';

/** What a watcher watches: a namespace or all of them, and a service in it or all of them. */
export type Topic = { readonly namespace: string; readonly service?: string };

/** The changes of one commit, or of a few, that belong to one topic. */
export type Batch = {
  readonly changes: readonly Change[];
  /** The events that carry them, rendered when first asked for. */
  readonly frame: () => Uint8Array;
};

/** Called with what has changed, and with undefined when there will be no more. */
export type Watcher = (batch: Batch | undefined) => void;

/** A topic as text. */
export function topicKey({ namespace, service }: Topic): string {
  return `${namespace}/${service ?? '*'}`;
}

export function isOfTopic(topic: Topic, { namespace, service }: Instance): boolean {
  const isInNamespace = topic.namespace === everyNamespace || topic.namespace === namespace;
  return isInNamespace && (topic.service === undefined || topic.service === service);
}

/** Who waits for which changes; a change is rendered once for all watchers of a topic. */
export class Topics {
  readonly #watchers = new Map<string, Set<Watcher>>();
  readonly #render: (changes: readonly Change[]) => Uint8Array;
  #count = 0;

  constructor(render: (changes: readonly Change[]) => Uint8Array) {
    this.#render = render;
  }

  /** How many watch. */
  get count(): number {
    return this.#count;
  }

  /** The function returned ends it, and may be called again. */
  watch(topic: Topic, watcher: Watcher): () => void {
    const key = topicKey(topic);
    const watchers = this.#watchers.get(key) ?? new Set();
    this.#watchers.set(key, watchers.add(watcher));
    this.#count++;
    return () => {
      if (!watchers.delete(watcher)) return;
      this.#count--;
      if (watchers.size === 0 && this.#watchers.get(key) === watchers) this.#watchers.delete(key);
    };
  }

  publish(changes: readonly Change[]): void {
    for (const [key, ofTopic] of this.#byTopic(changes)) {
      const batch = this.#batchOf(ofTopic);
      for (const watcher of [...(this.#watchers.get(key) ?? [])]) watcher(batch);
    }
  }

  /** Tells every watcher that this is the end. */
  end(): void {
    for (const watchers of [...this.#watchers.values()]) {
      for (const watcher of [...watchers]) watcher(undefined);
    }
  }

  /** The changes under each topic that somebody watches. */
  #byTopic(changes: readonly Change[]): ReadonlyMap<string, readonly Change[]> {
    const found = new Map<string, Change[]>();
    for (const change of changes) {
      for (const key of topicsOf(change.instance)) {
        if (!this.#watchers.has(key)) continue;
        const ofTopic = found.get(key);
        if (ofTopic === undefined) found.set(key, [change]);
        else ofTopic.push(change);
      }
    }
    return found;
  }

  #batchOf(changes: readonly Change[]): Batch {
    let rendered: Uint8Array | undefined;
    return {
      changes,
      frame: () => {
        rendered ??= this.#render(changes);
        return rendered;
      },
    };
  }
}

function topicsOf({ namespace, service }: Instance): readonly string[] {
  return [
    topicKey({ namespace: everyNamespace }),
    topicKey({ namespace }),
    topicKey({ namespace: everyNamespace, service }),
    topicKey({ namespace, service }),
  ];
}
