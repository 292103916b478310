import type { RegistryView } from '../registry/view.ts';

/** Answers remembered at most; some are megabytes. */
const mostRemembered = 16;

/** Answers that hold for one revision of the registry: what a thousand watchers ask for at once is rendered once. */
export class RevisionCache {
  readonly #view: Pick<RegistryView, 'revision'>;
  readonly #remembered = new Map<string, unknown>();
  #revision = -1;

  constructor(view: Pick<RegistryView, 'revision'>) {
    this.#view = view;
  }

  /** @param key says all that the answer depends on, but for the revision, and of which type it is */
  remember<T>(key: string, render: () => T): T {
    const { revision } = this.#view;
    if (revision !== this.#revision || this.#remembered.size >= mostRemembered) this.#remembered.clear();
    this.#revision = revision;
    if (this.#remembered.has(key)) return this.#remembered.get(key) as T;
    const rendered = render();
    this.#remembered.set(key, rendered);
    return rendered;
  }
}
