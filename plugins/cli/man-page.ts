import type { CommandFacts } from './man-tree.ts';

/** A manual page: its file's name, and its text for roff's man macros. */
export type ManPage = { readonly file: string; readonly text: string };

/**
 * A page for each command.
 * @param version of the program, for the foot
 */
export function renderManPages(commands: readonly CommandFacts[], version: string): readonly ManPage[] {
  return commands.map((command) => ({
    file: `${pageName(command.path)}.1`,
    text: renderPage(command, version),
  }));
}

function pageName(path: readonly string[]): string {
  return ['fairlead', ...path].join('-');
}

function renderPage(command: CommandFacts, version: string): string {
  const { path, usage, description, args, options, commands } = command;
  const name = pageName(path);
  return [
    `.TH ${quote(name.toUpperCase())} 1 "" ${quote(`fairlead ${version}`)} "Fairlead"`,
    ...section('NAME', [`${escapeText(name)} \\- ${escapeText(withoutStop(description))}`]),
    ...section('SYNOPSIS', [`.B ${quote(usage)}`]),
    ...section('ARGUMENTS', args.flatMap(renderItem)),
    ...section(
      'COMMANDS',
      commands.flatMap((each) => renderItem({ term: each.name, description: each.description })),
    ),
    ...section('OPTIONS', options.flatMap(renderItem)),
    ...section('EXIT STATUS', [
      '0 after success, 1 after a failure or where there are problems, 2 for wrong usage.',
    ]),
    ...section('SEE ALSO', renderReferences(command)),
    '',
  ].join('\n');
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`.SH ${quote(title)}`, ...lines];
}

function renderItem({ term, description }: { term: string; description: string }): readonly string[] {
  return ['.TP', `.B ${quote(term)}`, escapeText(description)];
}

/** The page above, and those below. */
function renderReferences({ path, commands }: CommandFacts): readonly string[] {
  const pages = [
    ...(path.length === 0 ? [] : [pageName(path.slice(0, -1))]),
    ...commands.filter(({ name }) => name !== 'help').map(({ name }) => pageName([...path, name])),
  ];
  return pages.map((page, index) => `.BR ${quote(page)} (1)${index + 1 < pages.length ? ',' : ''}`);
}

function withoutStop(text: string): string {
  return text.replace(/\.$/, '');
}

/** An argument of a macro. */
function quote(text: string): string {
  return `"${escapeText(text).replaceAll('"', '\\(dq')}"`;
}

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
};

/** What roff would take for its own: also a dot or an apostrophe at the beginning of a line. */
export function escapeText(text: string): string {
  return text
    .replaceAll(/[\\\-'`^~]/g, (character) => escapes[character] ?? '')
    .replaceAll(/[^\p{ASCII}]/gu, (character) => `\\[u${toHex(character)}]`)
    .replaceAll(/\s+/g, ' ')
    .replace(/^\./, '\\&.');
}

function toHex(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
}
