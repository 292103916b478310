import type { CheckTiming } from '../registry/health-check.ts';

/** The two statuses that a check decides between. */
export type CheckedStatus = 'passing' | 'critical';

/** What a check holds of its instance, and how many results in a row have spoken against it. */
export type Judgement = { readonly status: CheckedStatus; readonly against: number };

/** The judgement after one more result, and the status that it changes to, if it does. */
export function judge(
  { status, against }: Judgement,
  ok: boolean,
  { rise, fall }: Pick<CheckTiming, 'rise' | 'fall'>,
): { readonly judgement: Judgement; readonly transition?: CheckedStatus } {
  const opinion: CheckedStatus = ok ? 'passing' : 'critical';
  if (opinion === status) return { judgement: { status, against: 0 } };
  const needed = ok ? rise : fall;
  if (against + 1 < needed) return { judgement: { status, against: against + 1 } };
  return { judgement: { status: opinion, against: 0 }, transition: opinion };
}
