import { burstSize } from './burst.ts';
import type { Comparison } from './compare.ts';
import { renderConflists } from './conflist-tables.ts';
import { type Goal, isMet } from './goal.ts';
import type { MachineInfo } from './machine.ts';
import { formatCount, formatMs, formatRatio, renderTable } from './markdown.ts';
import { renderOverlay } from './overlay-tables.ts';
import type { Part, PartsOfAdd } from './parts.ts';
import { ratio } from './ratio.ts';
import { renderRegistry } from './registry-tables.ts';
import { renderResident } from './resident-tables.ts';
import type { Results } from './results.ts';
import { renderRouted } from './routed-tables.ts';
import type { Summary } from './statistics.ts';

/** The results as Markdown that can also be read as it is. Pure. */
export function renderTables(results: Results, goals: readonly Goal[]): string {
  return [
    renderCases(results),
    renderEmpty(results),
    renderRegistry(results.registry),
    renderOverlay(results.overlay),
    renderRouted(results.routed),
    renderConflists(results.conflists),
    renderResident(results.resident),
    renderGoals(goals),
    renderParts(results.partsOfAdd),
    renderNotes(results),
  ].join('\n\n');
}

function renderCases({ bare, ipMasq, leases, attached, burst }: Results): string {
  const title = ['medians, ms', 'ours ADD', 'DEL', 'both', 'reference ADD', 'DEL', 'both', 'ratio of both'];
  const rows = [
    caseRow('bare', bare),
    caseRow('ipMasq', ipMasq),
    ...leases.map((point) => caseRow(`bare, ${point.count.toLocaleString('en')} leases`, point)),
    ...attached.map((point) => caseRow(`ipMasq, ${point.count.toLocaleString('en')} attached`, point)),
    caseRow(`ipMasq, ${burstSize} at once (wall)`, burst),
  ];
  return renderTable({ title, rows, texts: 1 });
}

function caseRow(name: string, { ours, reference }: Comparison): readonly string[] {
  const figures = [ours, reference].flatMap(({ add, del, pair }) => [add, del, pair]);
  return [name, ...figures.map(formatMedian), formatRatio(ratio(ours.pair, reference.pair))];
}

function formatMedian({ medianMs }: Summary): string {
  return formatMs(medianMs);
}

function renderEmpty({ bare: { empty, emptySnapshot } }: Results): string {
  const [bareMs, snapshotMs] = [empty, emptySnapshot].map(formatMedian);
  return `An empty single executable: ${bareMs} ms; one that starts from a snapshot, as ours does: ${snapshotMs} ms.`;
}

/** The goals with a mark for each. Pure. */
export function renderGoals(goals: readonly Goal[]): string {
  const title = ['case', 'goal', 'limit', 'measured', ''];
  return renderTable({ title, rows: goals.map(goalRow), texts: 2 });
}

function goalRow(goal: Goal): readonly string[] {
  const { of, what, measured, bound, limit, unit } = goal;
  const shown = measured === undefined ? 'left out' : formatMeasure(measured, unit);
  const sign = bound === 'at most' ? '≤' : '≥';
  return [of, what, `${sign} ${limit.toLocaleString('en')}${unit}`, shown, markOf(isMet(goal))];
}

function formatMeasure(measured: number, unit: Goal['unit']): string {
  if (Number.isNaN(measured)) return 'failed';
  switch (unit) {
    case '×':
      return formatRatio(measured);
    case ' ms':
      return `${formatMs(measured)} ms`;
    case ' MB':
    case '':
      return `${formatCount(measured)}${unit}`;
  }
}

function markOf(met: boolean | undefined): string {
  if (met === undefined) return '–';
  return met ? '✓' : '✗';
}

function renderParts({ bare, ipMasq }: PartsOfAdd): string {
  return [renderPartsOf('bare', bare), renderPartsOf('ipMasq', ipMasq)].join('\n\n');
}

function renderPartsOf(name: string, parts: readonly Part[]): string {
  const title = [`one ADD of ours, ${name}`, 'median, ms'];
  const rows = parts.map(({ what, medianMs }) => [what, formatMs(medianMs)]);
  return renderTable({ title, rows, texts: 1 });
}

function renderNotes({ rounds, machine, at }: Results): string {
  return [
    `${rounds} rounds, ours and reference alternating, one process for each call, from its start to its end.`,
    'A DEL of ours returns when the link is out of sight; the `ip` that removes it ends some 10 ms later.',
    `${at.slice(0, 10)}: ${describe(machine)}.`,
  ].join('\n');
}

function describe(machine: MachineInfo): string {
  const { cores, cpu, kernel, ours, reference, iptables, nft, ip, dnsmasq, dnsperf } = machine;
  const programs = [`ours ${ours}`, reference, iptables, nft, ip, dnsmasq, dnsperf];
  return [`${cores} cores (${cpu})`, `Linux ${kernel}`, ...programs].join(', ');
}
