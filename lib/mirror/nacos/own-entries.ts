import { statusMarking } from '../markings.ts';
import type { Host } from './host.ts';
import { toKey } from './place.ts';
import { toContent } from './registration.ts';

/** The server answers from a cache that is this old at most, unless it is overloaded or told otherwise. */
const settlingMs = 2_000;

type OwnEntry = { readonly content: string; readonly writtenMs: number };

/**
 * What somebody has set by Nacos's console lies over what is registered, for ever.
 * @see NacosClient.update
 */
type Overlay = {
  /** An operator wants that clients are not given it. */
  readonly isTakenOut: boolean;
};

/** This machine's entries as this process knows them: what it has written, and what it has found. */
export class OwnEntries {
  readonly #standing = new Map<string, OwnEntry>();
  /** When entries were taken away. */
  readonly #removed = new Map<string, number>();
  readonly #overlays = new Map<string, Overlay>();

  has(key: string): boolean {
    return this.#standing.has(key);
  }

  keys(): readonly string[] {
    return [...this.#standing.keys()];
  }

  /** Undefined where a registration is all that counts. */
  overlay(key: string): Overlay | undefined {
    return this.#overlays.get(key);
  }

  written(key: string, content: string): void {
    this.#removed.delete(key);
    this.#standing.set(key, { content, writtenMs: performance.now() });
  }

  removed(key: string): void {
    this.lost(key);
    this.#removed.set(key, performance.now());
  }

  /** The server does not know it any more. */
  lost(key: string): void {
    this.#standing.delete(key);
    this.#overlays.delete(key);
  }

  /** Whether what the server lists may be older than what was written there last. */
  isSettling(hosts: readonly Host[]): boolean {
    const listed = new Map(hosts.map((host) => [toKey(host), toContent(host)]));
    const sinceMs = performance.now() - settlingMs;
    const isRemoval = ([key, removedMs]: [string, number]) => removedMs > sinceMs && listed.has(key);
    if ([...this.#removed].some(isRemoval)) return true;
    return [...this.#standing].some(
      ([key, { content, writtenMs }]) => writtenMs > sinceMs && listed.get(key) !== content,
    );
  }

  /** From here on what is listed counts. */
  adopt(hosts: readonly Host[]): void {
    const keys = new Set(hosts.map(toKey));
    this.#removed.clear();
    for (const key of this.keys()) if (!keys.has(key)) this.lost(key);
    for (const host of hosts) this.#adopt(toKey(host), host);
  }

  #adopt(key: string, host: Host): void {
    const known = this.#standing.get(key);
    const content = toContent(host);
    if (known === undefined) this.#standing.set(key, { content, writtenMs: Number.NEGATIVE_INFINITY });
    const before = this.#overlays.get(key);
    if (before === undefined && (known === undefined || known.content === content)) return;
    const isWell = host.metadata[statusMarking] === undefined;
    this.#overlays.set(key, { isTakenOut: isWell ? !host.enabled : (before?.isTakenOut ?? false) });
  }
}
