import { stripVTControlCharacters, styleText } from 'node:util';

/** Where a command of the command line prints, and how. */
export type Terminal = {
  readonly writeStdout: (text: string) => void;
  readonly writeStderr: (text: string) => void;
  readonly isTerminal: boolean;
};

/** Gives a text a colour, where there are colours. */
export type Paint = (colour: 'green' | 'red' | 'yellow', text: string) => string;

/** Colours are for a terminal only: in a file or a pipe they would be noise. */
export function createPaint({ isTerminal }: Terminal): Paint {
  return (colour, text) => (isTerminal ? styleText(colour, text, { validateStream: false }) : text);
}

/** Prints data as JSON where that is asked for, and otherwise as text. */
export function print(terminal: Terminal, asJson: boolean, data: unknown, toText: () => string): void {
  terminal.writeStdout(asJson ? `${JSON.stringify(data, null, 2)}\n` : `${toText()}\n`);
}

/** Rows under a heading, in columns as wide as their longest cell. */
export function toTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heading, ...rows];
  const widths = heading.map((_, column) => Math.max(...lines.map((line) => widthOf(line[column] ?? ''))));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Columns on the terminal: what sets a colour takes none. */
function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).length;
}
