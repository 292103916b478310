/**
 * Items by the time they are due, the earliest first: a binary heap, so that ten thousand checks need one timer rather
 * than ten thousand.
 */
export class DeadlineHeap<T> {
  readonly #entries: { readonly item: T; dueAtMs: number }[] = [];
  readonly #places = new Map<T, number>();

  get size(): number {
    return this.#entries.length;
  }

  /** When the first one is due; Infinity where there is none. */
  get firstAtMs(): number {
    return this.#entries[0]?.dueAtMs ?? Number.POSITIVE_INFINITY;
  }

  /** Adds the item, or moves it to another time. */
  set(item: T, dueAtMs: number): void {
    const place = this.#places.get(item) ?? this.#entries.length;
    const entry = this.#entries[place];
    if (entry === undefined) this.#put({ item, dueAtMs }, place);
    else entry.dueAtMs = dueAtMs;
    this.#settle(place);
  }

  delete(item: T): void {
    const place = this.#places.get(item);
    const last = this.#entries.pop();
    if (place === undefined || last === undefined) {
      if (last !== undefined) this.#entries.push(last);
      return;
    }
    this.#places.delete(item);
    if (last.item === item) return;
    this.#put(last, place);
    this.#settle(place);
  }

  /** Takes the first item out, if it is due. */
  takeDue(nowMs: number): T | undefined {
    const [first] = this.#entries;
    if (first === undefined || first.dueAtMs > nowMs) return undefined;
    this.delete(first.item);
    return first.item;
  }

  #settle(place: number): void {
    this.#sink(this.#rise(place));
  }

  #rise(place: number): number {
    let at = place;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#dueAt(parent) <= this.#dueAt(at)) break;
      this.#swap(parent, at);
      at = parent;
    }
    return at;
  }

  #sink(place: number): void {
    let at = place;
    for (;;) {
      const left = 2 * at + 1;
      const child = this.#dueAt(left + 1) < this.#dueAt(left) ? left + 1 : left;
      if (this.#dueAt(child) >= this.#dueAt(at)) return;
      this.#swap(child, at);
      at = child;
    }
  }

  #dueAt(place: number): number {
    return this.#entries[place]?.dueAtMs ?? Number.POSITIVE_INFINITY;
  }

  #swap(one: number, other: number): void {
    const first = this.#entries[one];
    const second = this.#entries[other];
    if (first === undefined || second === undefined) return;
    this.#put(first, other);
    this.#put(second, one);
  }

  #put(entry: { readonly item: T; dueAtMs: number }, place: number): void {
    this.#entries[place] = entry;
    this.#places.set(entry.item, place);
  }
}
