/** An entry as a list has it, or as it was found. */
export type Seen = { readonly content: string; readonly status: string };

/** Lists come from a cache that the server renews every 30 s unless it is told otherwise. */
const longestCachedMs = 60_000;

/** What a process knows of its entries that the server's lists may not tell yet. */
export class Knowledge {
  #statuses = new Map<string, string>();
  readonly #written = new Map<string, { readonly content: string | undefined; readonly atMs: number }>();
  #isListed = false;

  /** As the registry has it; undefined where there is no entry, `unknown` where nobody has looked yet. */
  statusOf(key: string): string | undefined {
    return this.#statuses.get(key) ?? (this.#isListed ? undefined : 'unknown');
  }

  /** This process has written an entry. */
  put(key: string, { content, status }: Seen): void {
    this.#statuses.set(key, status);
    this.#written.set(key, { content, atMs: performance.now() });
  }

  /** It has taken one away, or has been told that there is none. */
  remove(key: string): void {
    this.#statuses.delete(key);
    this.#written.set(key, { content: undefined, atMs: performance.now() });
  }

  /** Keys of which a list says something else than what was written since it may have been made. */
  doubtful(listed: ReadonlyMap<string, Seen>): readonly string[] {
    const sinceMs = performance.now() - longestCachedMs;
    for (const [key, { atMs }] of this.#written) if (atMs < sinceMs) this.#written.delete(key);
    return [...this.#written]
      .filter(([key, { content }]) => content !== listed.get(key)?.content)
      .map(([key]) => key);
  }

  /** These are all there are. */
  replace(found: ReadonlyMap<string, Seen>): void {
    this.#isListed = true;
    this.#statuses = new Map([...found].map(([key, { status }]) => [key, status]));
  }
}
