import { glob, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { escapeText } from '../plugins/cli/man-page.ts';

// package-pages DIRECTORY VERSION: a manual page of section 8 for each plugin, made from its README.

const [directory = '', version = ''] = process.argv.slice(2);

/** One page, from the parts of Markdown that our READMEs use: headings, lists, tables, code, paragraphs. */
function renderPage(name: string, markdown: string): string {
  const [, introduction = '', ...blocks] = splitBlocks(markdown);
  const [first = ''] = introduction.split(/(?<=\.)\s/);
  return [
    `.TH "FAIRLEAD\\-${escapeText(name).toUpperCase()}" 8 "" "fairlead ${escapeText(version)}" "Fairlead"`,
    '.SH "NAME"',
    `fairlead\\-${escapeText(name)} \\- ${renderText(first.replace(/\.$/, ''))}`,
    '.SH "DESCRIPTION"',
    renderText(introduction),
    ...blocks.flatMap(renderBlock),
    '',
  ].join('\n');
}

const codeBlock = /^```.*\n(?:(?!```).*\n)*```$/gm;

/** Blocks are parted by empty lines, of which code may have some, too. */
function splitBlocks(markdown: string): readonly string[] {
  const [texts, codes] = [markdown.split(codeBlock), markdown.match(codeBlock) ?? []];
  return texts.flatMap((text, index) => [
    ...text.split(/\n\s*\n/).filter((block) => block.trim() !== ''),
    ...codes.slice(index, index + 1),
  ]);
}

function renderBlock(block: string): readonly string[] {
  const text = block.trim();
  const lines = text.split('\n');
  const [, level, title = ''] = /^(#+) (.*)/.exec(text) ?? [];
  if (level !== undefined)
    return [
      `.${level.length > 2 ? 'SS' : 'SH'} "${escapeText(level.length > 2 ? title : title.toUpperCase())}"`,
      ...renderRest(lines),
    ];
  if (text.startsWith('```'))
    return ['.PP', '.RS 4', '.nf', ...lines.slice(1, -1).map(renderCode), '.fi', '.RE'];
  if (text.startsWith('|')) return renderTable(lines);
  if (/^(-|\d+\.) /.test(text)) return renderList(text);
  return ['.PP', renderText(text)];
}

/** A heading may be followed by its text without an empty line. */
function renderRest([, ...rest]: readonly string[]): readonly string[] {
  return rest.length === 0 ? [] : renderBlock(rest.join('\n'));
}

function renderList(text: string): readonly string[] {
  return text
    .split(/^(?:-|\d+\.) /m)
    .filter((item) => item !== '')
    .flatMap((item) => ['.IP \\(bu 2', renderText(item)]);
}

/** The first column as what is described; a second one of defaults in words. */
function renderTable([heading = '', , ...rows]: readonly string[]): readonly string[] {
  const hasDefault = toCells(heading)[1] === 'default';
  return rows.map(toCells).flatMap(([term = '', second = '', ...rest]) => {
    const others = rest.join('. ');
    const given = second === 'required' ? second : `default: ${second}`;
    const text = hasDefault ? `${others} (${given})` : [second, others].filter(Boolean).join(': ');
    return ['.TP', renderText(term), renderText(text)];
  });
}

function toCells(row: string): readonly string[] {
  return row
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
}

/** Code in bold; of a link what it says. */
function renderText(text: string): string {
  return text
    .trim()
    .split(/(`[^`]*`|\*\*[^*]*\*\*)/)
    .map((part, index) => {
      const plain = part.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
      return index % 2 === 0
        ? escapeText(plain)
        : `\\fB${escapeText(plain.replaceAll(/^`|`$|\*\*/g, ''))}\\fR`;
    })
    .join('');
}

function renderCode(line: string): string {
  const [, indent = '', text = ''] = /^(\s*)(.*)$/.exec(line) ?? [];
  return `\\&${indent}${escapeText(text)}`;
}

await mkdir(`${directory}/man8`, { recursive: true });
for await (const path of glob('{plugins,ipam}/*/README.md')) {
  const name = basename(dirname(path));
  await writeFile(`${directory}/man8/fairlead-${name}.8`, renderPage(name, await readFile(path, 'utf8')));
}
