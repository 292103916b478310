import { messageOf } from '../errors/cni-error.ts';
import { Unseen } from './ask.ts';
import { skipped, type TableCheck, type Verdict } from './check.ts';
import type { Scene } from './scene.ts';

/** One line of the report. */
export type Line = { readonly id: string; readonly title: string } & Verdict;

/** Looks at everything in the table's order; what cannot be seen stops nothing. */
export async function examine(checks: readonly TableCheck[], scene: Scene): Promise<readonly Line[]> {
  const lines: Line[] = [];
  for (const check of checks) {
    const { id, title } = check;
    const verdicts = await check.verdicts(scene).catch(toSkipped);
    lines.push(...verdicts.map((verdict) => ({ id, title, ...verdict })));
  }
  return lines;
}

function toSkipped(error: unknown): readonly Verdict[] {
  if (error instanceof Unseen) return [skipped(error.message)];
  return [skipped(`this could not be looked at: ${messageOf(error)}`)];
}
