import { monotonicMs } from './records.ts';

/**
 * Tells of every change of nftables and, after each transaction, of who has made it; of what goes alone it would not say
 * by whom.
 */
export const changeMonitor = { file: 'nft', args: ['monitor'] } as const;

/** Longer than two looks are apart. */
const memoryMs = 120_000;

/** What a monitor of nftables has told of rules of ours that came and went. */
export class HeardChanges {
  #going: 'nothing' | 'elements' | 'structure' = 'nothing';
  /** The comments of elements that came, with the time. */
  readonly #cameMs = new Map<string, number>();
  #culprit: { readonly name: string; readonly took: 'elements' | 'structure' } | undefined;

  /** @returns whether the line may tell of something of ours that has gone */
  hear(line: string): boolean {
    const [, comment] =
      /^(?:add|create) element (?:inet|bridge) fairlead\S* .* comment "([^"]+)"/.exec(line) ?? [];
    if (comment !== undefined) this.#cameMs.set(comment, monotonicMs());
    const maker = /^# new generation \d+ by process (\d+) \((.*)\)$/.exec(line);
    if (maker !== null) this.#end(nameOf(maker[1], maker[2]));
    const [, what] = /^delete (\w+) (?:inet|bridge) fairlead(?:_\w+)?(?: |$)/.exec(line) ?? [];
    if (what === undefined) return line.startsWith('# ERROR');
    if (what !== 'element') this.#going = 'structure';
    else if (this.#going === 'nothing') this.#going = 'elements';
    return true;
  }

  /** The owners whose elements have come of late, as their comments name them, with the time of the last. */
  takeCome(): ReadonlyMap<string, number> {
    const now = monotonicMs();
    for (const [comment, at] of this.#cameMs) if (now - at > memoryMs) this.#cameMs.delete(comment);
    return new Map(this.#cameMs);
  }

  /** Who has taken something away since this was asked last: who took tables rather than who took elements, as each DEL does. */
  takeCulprit(): string | undefined {
    const culprit = this.#culprit?.name;
    this.#culprit = undefined;
    return culprit;
  }

  #end(name: string): void {
    const took = this.#going;
    this.#going = 'nothing';
    if (took === 'nothing' || (took === 'elements' && this.#culprit?.took === 'structure')) return;
    this.#culprit = { name, took };
  }
}

/** A process may call itself anything. */
function nameOf(pid: string | undefined, name: string | undefined): string {
  return `${name !== undefined && /^[\w.:+-]{1,16}$/.test(name) ? name : 'a program'} (process ${pid})`;
}
