/** A table whose first `texts` columns are words, the others figures. */
export type Table = {
  readonly title: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly texts: number;
};

/** Columns as wide as their widest cell, figures to the right: it is legible before it is rendered, too. */
export function renderTable({ title, rows, texts }: Table): string {
  const widths = title.map((_, at) => Math.max(3, ...[title, ...rows].map((row) => row[at]?.length ?? 0)));
  const pad = (cell: string, at: number) =>
    at < texts ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0);
  const rule = widths.map((width, at) => (at < texts ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [title.map(pad), rule, ...rows.map((row) => row.map(pad))]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/** Milliseconds, without the unit: whole ones where tenths say nothing. */
export function formatMs(valueMs: number): string {
  const digits = Math.abs(valueMs) >= 100 ? 0 : 1;
  return valueMs.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Whole numbers. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en');
}

export function formatRatio(ratio: number | undefined): string {
  return ratio === undefined ? '–' : `${ratio.toFixed(2)}×`;
}
