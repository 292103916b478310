import type { Command, Outcome, RunSync } from './command.ts';
import type { HomeNftables } from './home-nftables.ts';

const mostListings = 64;
const mostCharacters = 1_000_000;

/** What nft has told, and the generation of the ruleset that was there before it was asked. */
type Remembered = { readonly generation: number; readonly outcome: Outcome };

/**
 * The runner, which gives again what nft has listed as long as nobody has changed anything since. What changes without a
 * transaction (counters, elements that time out) is in no table of ours, and nobody here looks at it in others'.
 */
export function rememberListings(run: RunSync, { generation }: Pick<HomeNftables, 'generation'>): RunSync {
  const listings = new Listings();
  return (command) => {
    const now = isListing(command) ? generation() : undefined;
    if (now === undefined) return run(command);
    const key = command.args.join('\n');
    const known = listings.get(key, now);
    if (known !== undefined) return known;
    const outcome = run(command);
    if (outcome.status === 0) listings.put(key, { generation: now, outcome });
    return outcome;
  };
}

function isListing({ file, args, stdin, argv0, env }: Command): boolean {
  const isPlain = stdin === undefined && argv0 === undefined && env === undefined;
  return isPlain && file === 'nft' && args.includes('-j') && args.includes('list');
}

/** The latest listings, so many and of so many characters at most. */
class Listings {
  readonly #known = new Map<string, Remembered>();
  #characters = 0;

  get(key: string, generation: number): Outcome | undefined {
    const known = this.#known.get(key);
    if (known?.generation === generation) return known.outcome;
    this.#forget(key);
    return undefined;
  }

  put(key: string, remembered: Remembered): void {
    this.#forget(key);
    this.#known.set(key, remembered);
    this.#characters += sizeOf(key, remembered);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= mostListings && this.#characters <= mostCharacters) return;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    const known = this.#known.get(key);
    if (known === undefined) return;
    this.#known.delete(key);
    this.#characters -= sizeOf(key, known);
  }
}

function sizeOf(key: string, { outcome }: Remembered): number {
  return key.length + outcome.stdout.length + outcome.stderr.length;
}
