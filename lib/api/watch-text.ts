import type { Change } from '../registry/instance.ts';
import type { RegistryView } from '../registry/view.ts';
import type { History } from './history.ts';
import type { InstanceTexts } from './instance-text.ts';
import { toContent } from './reply.ts';
import type { RevisionCache } from './revision-cache.ts';
import { isOfTopic, type Topic, topicKey } from './topics.ts';

/** A revision's changes for a watcher that asks for them, and whether there are any. */
export type ChangesText = { readonly text: string | Uint8Array; readonly hasChanges: boolean };

type Parts = {
  readonly view: RegistryView;
  readonly history: History;
  readonly answers: RevisionCache;
  readonly instanceTexts: InstanceTexts;
};

/** What watchers are told, rendered once for each revision and topic however many there are. */
export class WatchTexts {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** `{"revision", "changes"}` after a revision; undefined where the history does not reach back so far. */
  changes(topic: Topic, since: number): ChangesText | undefined {
    return this.#parts.answers.remember(`changes ${since} ${topicKey(topic)}`, () => {
      const changes = this.#changesOf(topic, since);
      if (changes === undefined) return undefined;
      const listed = changes.map((change) => renderChange(change, this.#parts.instanceTexts)).join(',');
      const text = `{"revision":${this.#parts.view.revision},"changes":[${listed}]}`;
      return { text: toContent(text), hasChanges: changes.length > 0 };
    });
  }

  /** `{"revision", "instances"}`: all there is now. */
  snapshot(topic: Topic): string | Uint8Array {
    return this.#parts.answers.remember(`snapshot ${topicKey(topic)}`, () =>
      toContent(this.#snapshotOf(topic)),
    );
  }

  /** The event that a stream begins with. */
  snapshotFrame(topic: Topic): Uint8Array {
    return this.#parts.answers.remember(`frame ${topicKey(topic)}`, () =>
      Buffer.from(`event: snapshot\nid: ${this.#parts.view.revision}\ndata: ${this.#snapshotOf(topic)}\n\n`),
    );
  }

  /** The events that a stream goes on with; undefined where it must begin anew. */
  changesFrame(topic: Topic, since: number): Uint8Array | undefined {
    return this.#parts.answers.remember(`events ${since} ${topicKey(topic)}`, () => {
      const changes = this.#changesOf(topic, since);
      return changes && renderChangeEvents(changes, this.#parts.instanceTexts);
    });
  }

  #changesOf(topic: Topic, since: number): readonly Change[] | undefined {
    return this.#parts.history.since(since)?.filter(({ instance }) => isOfTopic(topic, instance));
  }

  #snapshotOf(topic: Topic): string {
    const { view, instanceTexts } = this.#parts;
    const { namespace, service } = topic;
    const isOneService = service !== undefined && namespace !== '*';
    const candidates = isOneService ? view.ofService({ namespace, service }) : [...view.all()];
    const instances = candidates.filter((instance) => isOfTopic(topic, instance));
    return `{"revision":${view.revision},"instances":${instanceTexts.listOf(instances)}}`;
  }
}

/** One event for each revision: an id that stood on several would let a client lose those behind it. */
export function renderChangeEvents(changes: readonly Change[], texts: InstanceTexts): Uint8Array {
  const byRevision = Map.groupBy(changes, ({ revision }) => revision);
  const events = [...byRevision].map(([revision, ofRevision]) => {
    const listed = ofRevision.map((change) => renderChange(change, texts)).join(',');
    return `event: change\nid: ${revision}\ndata: {"revision":${revision},"changes":[${listed}]}\n\n`;
  });
  return Buffer.from(events.join(''));
}

function renderChange({ revision, kind, instance }: Change, texts: InstanceTexts): string {
  return `{"revision":${revision},"kind":"${kind}","instance":${texts.of(instance)}}`;
}
