import type { Scene } from './scene.ts';

/** What a look at one thing has brought to light and, where it is not well, what helps. */
export type Verdict =
  | { readonly state: 'ok' | 'skipped'; readonly found: string }
  | { readonly state: 'warning' | 'problem'; readonly found: string; readonly remedy: string };

/** One thing that is looked at: what is seen and, apart from that, what it means. */
export type Check<Evidence> = {
  readonly id: string;
  readonly title: string;
  /** Reads, and changes nothing. @throws Unseen */
  readonly observe: (scene: Scene) => Evidence | Promise<Evidence>;
  /** Pure. What applies to nothing here is one verdict, `skipped`. */
  readonly judge: (evidence: Evidence) => readonly Verdict[];
};

/** A check as the table has it: what its evidence is like is its own affair. */
export type TableCheck = {
  readonly id: string;
  readonly title: string;
  /** @throws Unseen */
  readonly verdicts: (scene: Scene) => Promise<readonly Verdict[]>;
};

export function toTableCheck<Evidence>({ id, title, observe, judge }: Check<Evidence>): TableCheck {
  return { id, title, verdicts: async (scene) => judge(await observe(scene)) };
}

export const ok = (found: string): Verdict => ({ state: 'ok', found });
export const skipped = (found: string): Verdict => ({ state: 'skipped', found });
export const warning = (found: string, remedy: string): Verdict => ({ state: 'warning', found, remedy });
export const problem = (found: string, remedy: string): Verdict => ({ state: 'problem', found, remedy });

/** Those that are not well; where all is, one verdict that says so. */
export function orOk(verdicts: readonly Verdict[], found: string): readonly Verdict[] {
  return verdicts.length === 0 ? [ok(found)] : verdicts;
}
