/** Where a command of the command line prints, and how. */
export type Terminal = {
  readonly writeStdout: (text: string) => void;
  readonly writeStderr: (text: string) => void;
  readonly isTerminal: boolean;
};

/** Prints data as JSON where that is asked for, and otherwise as text. */
export function print(terminal: Terminal, asJson: boolean, data: unknown, toText: () => string): void {
  terminal.writeStdout(asJson ? `${JSON.stringify(data, null, 2)}\n` : `${toText()}\n`);
}

/** Rows under a heading, in columns as wide as their longest cell. */
export function toTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heading, ...rows];
  const widths = heading.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
