import type { Reply } from './reply.ts';

/** Replies under all octets of the query but its id: equal queries of askers who see the same get the same answer. */
export type KnownReplies = ReadonlyMap<string, Reply>;

export type CacheBounds = { readonly entries: number; readonly octets: number };

/** What an entry takes beside the octets of its reply, roughly. */
const overhead = 300;

/**
 * Replies that were given, by circles of askers who get the same answers. Nothing is worth evicting one by one: an answer is made in
 * a few microseconds, and every commit empties this anyway. So whatever does not fit any more finds it emptied.
 */
export class ReplyCache {
  readonly #bounds: CacheBounds;
  readonly #circles = new Map<string, Map<string, Reply>>();
  #entries = 0;
  #octets = 0;

  constructor(bounds: CacheBounds) {
    this.#bounds = bounds;
  }

  get entries(): number {
    return this.#entries;
  }

  /** What is known for those who get the same answers; it follows every later change. */
  ofCircle(circle: string): KnownReplies {
    return this.#mutable(circle);
  }

  keep(circle: string, key: string, reply: Reply): void {
    const octets = reply.octets.length + key.length + overhead;
    if (this.#entries >= this.#bounds.entries || this.#octets + octets > this.#bounds.octets) this.empty();
    this.#mutable(circle).set(key, reply);
    this.#entries++;
    this.#octets += octets;
  }

  empty(): void {
    for (const replies of this.#circles.values()) replies.clear();
    this.#entries = 0;
    this.#octets = 0;
  }

  /** Forgets the circles, too: they come and go with the networks. */
  reset(): void {
    this.empty();
    this.#circles.clear();
  }

  #mutable(circle: string): Map<string, Reply> {
    const known = this.#circles.get(circle);
    if (known !== undefined) return known;
    const replies = new Map<string, Reply>();
    this.#circles.set(circle, replies);
    return replies;
  }
}
