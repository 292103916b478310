import { type Axis, breakOf, countAxis, durationAxis } from './axis.ts';
import type { Side } from './context.ts';
import type { GrowthPoint } from './growth.ts';
import { formatMs } from './markdown.ts';
import type { Results } from './results.ts';

const panel = { width: 460, height: 340 };
/** The rectangle of a panel that the lines are in, in pixels from its corner. */
const area = { left: 62, right: 376, top: 66, bottom: 280 };

/** Two lines, in pixels. */
const labelHeight = 30;

type Colours = Readonly<Record<'ground' | 'ink' | 'faint' | 'ours' | 'reference', string>>;

const light = { ground: '#ffffff', ink: '#24292f', faint: '#d8dee4', ours: '#0969da', reference: '#bc4c00' };
const dark = { ground: '#161b22', ink: '#d6dde5', faint: '#3a424c', ours: '#58a6ff', reference: '#f0883e' };

/** On a ground of its own: the page around it may be dark while the reader's system is light. */
const style = `
text { font: 12px system-ui, sans-serif }
.title { font-size: 14px; font-weight: 600 }
.axis, .curve { fill: none }
.curve { stroke-width: 2.5 }
.dot { stroke-width: 2 }
${paint(light)}
@media (prefers-color-scheme: dark) {
${paint(dark)}
}`;

/** Written out: CSS variables are unknown to many viewers other than browsers. */
function paint({ ground, ink, faint, ours, reference }: Colours): string {
  return [
    `.ground, .dot { fill: ${ground} }`,
    `.grid { stroke: ${faint} }`,
    `.axis { stroke: ${ink} }`,
    `text { fill: ${ink} }`,
    `path.ours, circle.ours { stroke: ${ours} }`,
    `path.reference, circle.reference { stroke: ${reference} }`,
    `text.ours { fill: ${ours} }`,
    `text.reference { fill: ${reference} }`,
  ].join('\n');
}

/** What both growth curves look like, as an SVG that stands alone. Pure. */
export function renderPlot({ leases, attached }: Results): string {
  const size = { width: 2 * panel.width, height: panel.height };
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" height="${size.height}" role="img" aria-label="ADD and DEL together, ours and the reference, as leases and attached containers grow">
<style>${style}</style>
<rect class="ground" width="${size.width}" height="${size.height}" rx="6"/>
${renderPanel({ at: 0, title: 'bridge + host-local', label: 'leases in the network', points: leases })}
${renderPanel({ at: panel.width, title: 'with ipMasq', label: 'containers attached', points: attached })}
</svg>
`;
}

type Panel = {
  /** Pixels from the left. */
  readonly at: number;
  readonly title: string;
  readonly label: string;
  readonly points: readonly GrowthPoint[];
};

type SideName = Side['name'];

type Axes = { readonly x: Axis; readonly y: Axis };

function renderPanel({ at, title, label, points }: Panel): string {
  const axes = axesOf(points);
  return `<g transform="translate(${at} 0)">
<text class="title" x="${area.left}" y="28">${title}</text>
<text x="${area.left}" y="48">ADD + DEL, median, ms (logarithmic)</text>
${axes.y.ticks.map((tick) => renderRow(tick, axes.y)).join('\n')}
${renderCountAxis(axes.x, label)}
${renderCurve('reference', points, axes)}
${renderCurve('ours', points, axes)}
${renderLabels(points, axes)}
</g>`;
}

function axesOf(points: readonly GrowthPoint[]): Axes {
  const medians = points.flatMap(({ ours, reference }) => [ours.pair.medianMs, reference.pair.medianMs]);
  return {
    x: countAxis(
      points.map(({ count }) => count),
      { from: area.left, to: area.right },
    ),
    y: durationAxis(medians, { from: area.bottom, to: area.top }),
  };
}

function renderRow(tick: number, { place }: Axis): string {
  const y = pixels(place(tick));
  return `<path class="grid" d="M${area.left} ${y}H${area.right}"/><text x="${area.left - 8}" y="${y}" dy="4" text-anchor="end">${tick.toLocaleString('en')}</text>`;
}

/** With two strokes through it where it leaves 0. */
function renderCountAxis({ ticks, place }: Axis, label: string): string {
  const middle = breakOf({ from: area.left, to: area.right });
  const strokes = [middle - 3, middle + 3].map((x) => `M${pixels(x - 3)} ${area.bottom + 6}l6 -12`).join('');
  const names = ticks.map(
    (count) =>
      `<path class="axis" d="M${pixels(place(count))} ${area.bottom}v5"/><text x="${pixels(place(count))}" y="${area.bottom + 20}" text-anchor="middle">${count.toLocaleString('en')}</text>`,
  );
  return `<path class="axis" d="M${area.left} ${area.bottom}H${area.right}${strokes}"/>
${names.join('\n')}
<text x="${(area.left + area.right) / 2}" y="${area.bottom + 42}" text-anchor="middle">${label} (logarithmic above 0)</text>`;
}

/** The line, and a dot for each measurement. */
function renderCurve(side: SideName, points: readonly GrowthPoint[], { x, y }: Axes): string {
  const spots = points.map((point) => [x.place(point.count), y.place(point[side].pair.medianMs)].map(pixels));
  const dots = spots.map(([cx, cy]) => `<circle class="dot ${side}" cx="${cx}" cy="${cy}" r="3.5"/>`);
  const line = spots.map((spot) => spot.join(' ')).join('L');
  return `<path class="curve ${side}" d="M${line}"/>\n${dots.join('')}`;
}

/** At the curves' ends: whose each is, and how much; moved apart where they end at the same height. */
function renderLabels(points: readonly GrowthPoint[], { y }: Axes): string {
  const last = points.at(-1);
  if (last === undefined) return '';
  const ends = (['ours', 'reference'] as const)
    .map((side) => ({ side, medianMs: last[side].pair.medianMs }))
    .toSorted((one, other) => y.place(one.medianMs) - y.place(other.medianMs));
  const [upper = 0, lower = 0] = ends.map(({ medianMs }) => y.place(medianMs));
  const push = Math.max(0, labelHeight - (lower - upper)) / 2;
  return ends
    .map(({ side, medianMs }, at) =>
      renderLabel(side, medianMs, (at === 0 ? upper - push : lower + push) - 3),
    )
    .join('\n');
}

function renderLabel(side: SideName, medianMs: number, y: number): string {
  const x = area.right + 9;
  const value = `<tspan x="${x}" dy="14">${formatMs(medianMs)} ms</tspan>`;
  return `<text class="${side}" x="${x}" y="${pixels(y)}">${side}${value}</text>`;
}

function pixels(value: number): number {
  return Math.round(value * 10) / 10;
}
