import { burstSize } from './burst.ts';
import type { ConflistFigures, ConflistPairs } from './conflists.ts';
import type { Measured } from './contender.ts';
import { formatMs, formatRatio, renderTable } from './markdown.ts';

/** Whole conflists of both sides, and what has failed. Pure. */
export function renderConflists(figures: ConflistFigures): string {
  const rows = toRows(figures);
  const title = ['whole conflists, medians, ms', 'ADD', 'DEL', 'both', "/ the reference's"];
  const table = renderTable({ title, rows: rows.map(toCells), texts: 1 });
  return [table, note, ...rows.flatMap(toFailure)].join('\n\n');
}

/** What is not as a runtime would have done it. */
const note =
  "Of the reference's attached containers one was attached by the whole conflist, the others by its bridge; their " +
  "rules were loaded at once, as that one's are.";

/** Somebody's row, and whom it is compared with. */
type Row = { readonly name: string; readonly measured: Measured; readonly to: Measured | undefined };

function toRows({ pairs, burst, sandboxes }: ConflistFigures): readonly Row[] {
  const atOnce = `ipMasq + 2 host ports, ${burstSize} at once (wall)`;
  const pods = 'RunPodSandbox and StopPodSandbox of containerd, 2 host ports';
  return [
    ...pairs.map((entry) => ({
      name: nameOf(entry),
      measured: entry.measured,
      to: referenceOf(entry, pairs),
    })),
    { name: `${atOnce}: ours, one plugin`, measured: burst.ours, to: burst.reference },
    { name: `${atOnce}: the reference's`, measured: burst.reference, to: burst.reference },
    { name: `${pods}: ours, one plugin`, measured: sandboxes.ours, to: sandboxes.reference },
    { name: `${pods}: the reference's`, measured: sandboxes.reference, to: sandboxes.reference },
  ];
}

function nameOf({ side, extent, form, attached }: ConflistPairs): string {
  const what = extent === 'ports' ? 'ipMasq + 2 host ports' : 'ipMasq + 2 host ports + firewall + tuning';
  const among = attached === 0 ? '' : `, ${attached.toLocaleString('en')} attached`;
  return `${what}${among}: ${side === 'ours' ? `ours, ${form}` : "the reference's"}`;
}

function referenceOf(
  { extent, attached }: ConflistPairs,
  pairs: readonly ConflistPairs[],
): Measured | undefined {
  const isIt = (other: ConflistPairs) =>
    other.side === 'reference' && other.extent === extent && other.attached === attached;
  return pairs.find(isIt)?.measured;
}

function toCells({ name, measured, to }: Row): readonly string[] {
  if (measured.kind === 'failed') return [name, 'failed', '–', '–', '–'];
  const { add, del, pair } = measured.figures;
  const ratio = to?.kind === 'measured' ? pair.medianMs / to.figures.pair.medianMs : undefined;
  return [name, ...[add, del, pair].map(({ medianMs }) => formatMs(medianMs)), formatRatio(ratio)];
}

function toFailure({ name, measured }: Row): readonly string[] {
  return measured.kind === 'failed' ? [`Failed: ${name}: ${measured.because.trim()}`] : [];
}
