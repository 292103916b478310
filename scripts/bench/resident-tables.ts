import { phases } from '../../lib/resident/stopwatch.ts';
import type { Measured } from './contender.ts';
import { formatMs, formatRatio, renderTable } from './markdown.ts';
import { type Path, paths } from './resident-case.ts';
import type { ResidentPairs } from './resident-pairs.ts';
import type { ResidentParts } from './resident-parts.ts';
import type { ResidentFigures } from './resident-paths.ts';

const words: Readonly<Record<Path, string>> = {
  resident: 'ours, by the agent',
  executable: 'ours, by the executable',
  reference: "the reference's",
};

/** Both of our paths beside the reference's. Pure. */
export function renderResident(figures: ResidentFigures): string {
  return [
    renderPairs(figures),
    renderProcessor(figures),
    renderParts(figures.parts),
    ...figures.pairs.flatMap(toFailures),
  ].join('\n\n');
}

function renderPairs({ pairs }: ResidentFigures): string {
  const title = ['both paths, medians, ms', 'ADD', 'DEL', 'both', "/ the reference's"];
  const rows = pairs.flatMap(({ what, measured }) =>
    paths.map((path) => [`${what.name}: ${words[path]}`, ...toCells(measured[path], measured.reference)]),
  );
  return renderTable({ title, rows, texts: 1 });
}

function toCells(measured: Measured, reference: Measured): readonly string[] {
  if (measured.kind === 'failed') return ['failed', '–', '–', '–'];
  const { add, del, pair } = measured.figures;
  const ratio = reference.kind === 'failed' ? undefined : pair.medianMs / reference.figures.pair.medianMs;
  return [...[add, del, pair].map(({ medianMs }) => formatMs(medianMs)), formatRatio(ratio)];
}

function toFailures({ what, measured }: ResidentPairs): readonly string[] {
  return paths.flatMap((path) => {
    const each = measured[path];
    return each.kind === 'failed' ? [`Failed: ${what.name}: ${words[path]}: ${each.because.trim()}`] : [];
  });
}

function renderProcessor({ processor }: ResidentFigures): string {
  const title = ['processor time of a bare ADD + DEL, all processes, ms', 'median', "/ the reference's"];
  const rows = paths.map((path) => {
    const { medianMs } = processor[path];
    return [words[path], formatMs(medianMs), formatRatio(medianMs / processor.reference.medianMs)];
  });
  return renderTable({ title, rows, texts: 1 });
}

/** `queue` is until a worker begins, `client` what its caller sees beside the agent's time: its start and its end. */
function renderParts({ calls, registration: { on, off, addedMs } }: ResidentParts): string {
  const columns = ['client', ...phases, 'whole'] as const;
  const rows = calls.map(({ name, parts }) => [name, ...columns.map((column) => parts[column].toFixed(2))]);
  return [
    renderTable({ title: ['one call by the agent, medians, ms', ...columns], rows, texts: 1 }),
    `A bare ADD by the agent with the registry: ${formatMs(on.add.medianMs)} ms, without: ${formatMs(off.add.medianMs)} ms, the median of the differences ${addedMs.toFixed(2)} ms.`,
  ].join('\n\n');
}
