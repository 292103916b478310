import type { Change } from '../registry/instance.ts';
import type { RegistryView } from '../registry/view.ts';
import { everyNamespace } from './access.ts';
import { tagsOf } from './tags.ts';
import type { Topic } from './topics.ts';

/**
 * Consul's indexes: a number for each service, and one for each namespace's list of services, that grows when the answer
 * to its question may have changed, and never goes back while this process runs. It is one more than the revision of the
 * last change, for 0 means "do not wait". What changed before the start counts as changed at the start.
 */
export class ConsulIndexes {
  readonly #view: RegistryView;
  readonly #start: number;
  readonly #services = new Map<string, { revision: number; tags: string }>();
  readonly #lists = new Map<string, number>();
  /** When a service last vanished: the index of whatever is not there, so that it need not be remembered. */
  #vanished = 0;

  constructor(view: RegistryView) {
    this.#view = view;
    this.#start = view.revision;
    for (const { namespace, service } of view.services()) {
      this.#services.set(keyOf(namespace, service), {
        revision: this.#start,
        tags: this.#tagsOf(namespace, service),
      });
    }
  }

  /** The index of a service, or of all services of a namespace as they are listed. */
  of({ namespace, service }: Topic): number {
    if (namespace === everyNamespace) return this.#view.revision + 1;
    const known =
      service === undefined
        ? this.#lists.get(namespace)
        : this.#services.get(keyOf(namespace, service))?.revision;
    return Math.max(this.#start, known ?? this.#vanished) + 1;
  }

  /** Called when the view has followed. */
  follow(changes: readonly Change[], revision: number): void {
    const touched = new Map(
      changes.map(({ instance: { namespace, service } }) => [
        keyOf(namespace, service),
        { namespace, service },
      ]),
    );
    for (const [key, { namespace, service }] of touched) {
      const before = this.#services.get(key)?.tags;
      const isThere = this.#view.ofService({ namespace, service }).length > 0;
      const tags = isThere ? this.#tagsOf(namespace, service) : undefined;
      if (tags !== before) this.#lists.set(namespace, revision);
      if (tags !== undefined) this.#services.set(key, { revision, tags });
      else if (this.#services.delete(key)) this.#vanished = revision;
      if (!this.#view.hasNamespace(namespace)) this.#lists.delete(namespace);
    }
  }

  #tagsOf(namespace: string, service: string): string {
    return JSON.stringify(tagsOf(this.#view.ofService({ namespace, service })));
  }
}

function keyOf(namespace: string, service: string): string {
  return `${namespace}/${service}`;
}
