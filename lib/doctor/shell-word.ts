/** A text as one word of a shell's command line: a remedy is copied there, and a link may be called `a;reboot`. */
export function shellWord(text: string): string {
  return /^[\w.:/@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Lines of a shell, each of which is to be run after the other. */
export function shellLines(lines: readonly string[]): string {
  return lines.join(' && ');
}
