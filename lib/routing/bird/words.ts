/** A block of BIRD's configuration, its statements indented. */
export function block(head: string, statements: readonly string[]): readonly string[] {
  return [`${head} {`, ...statements.map((line) => `  ${line}`), '}'];
}

/** Names of people's, whose strings know no escapes: whatever could end one is left out. */
export function quoted(text: string): string {
  return `"${text.replaceAll(/[^ !#-[\]-~]/g, '').slice(0, 60)}"`;
}
