import { type IpAddress, parseAddress, widthOf } from '../net/address.ts';
import { parseCidr } from '../net/cidr.ts';
import type { Removal } from './plan-removal.ts';
import type { ForeignRule } from './rule.ts';

/** What `iptables-save` tells of one table. */
export type SavedTable = { readonly chains: readonly string[]; readonly rules: readonly ForeignRule[] };

/** The output of `iptables-save -t` for one table. */
export function parseSavedTable(text: string): SavedTable {
  const lines = text.split('\n');
  return {
    chains: lines.flatMap((line) => /^:(\S+) /.exec(line)?.[1] ?? []),
    rules: lines.filter((line) => line.startsWith('-A ')).map(toRule),
  };
}

function toRule(line: string): ForeignRule {
  const words = toWords(line);
  return {
    chain: words[1] ?? '',
    target: optionOf(words, '-j') ?? optionOf(words, '-g'),
    source: hostOf(optionOf(words, '-s')),
    destination: hostOf(optionOf(words, '-d')),
    dnat: undefined,
    comment: unquoted(optionOf(words, '--comment') ?? ''),
    deletion: isSafe(line, words) ? line.replace(/^-A/, '-D') : undefined,
  };
}

/** Split at blanks; a text in quotation marks is one word. */
function toWords(line: string): readonly string[] {
  return line.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [];
}

/** What follows an option; undefined for one that is negated. */
function optionOf(words: readonly string[], option: string): string | undefined {
  const at = words.indexOf(option);
  return at < 0 || words[at - 1] === '!' ? undefined : words[at + 1];
}

function hostOf(text: string | undefined): IpAddress | undefined {
  const cidr = parseCidr(text ?? '');
  if (cidr === undefined) return parseAddress(text ?? '');
  return cidr.prefixLength === widthOf(cidr.address.family) ? cidr.address : undefined;
}

function unquoted(word: string): string {
  return word.startsWith('"') ? word.slice(1, -1).replace(/\\(.)/g, '$1') : word;
}

/**
 * Whether a line can go back to `iptables-restore` as it is. Comments are anybody's text, and one with a line break in it
 * comes out as two lines: only plain words and whole quotations of plain text are handed on.
 */
function isSafe(line: string, words: readonly string[]): boolean {
  return (
    words.join(' ') === line &&
    words.every(
      (word) => /^[A-Za-z0-9!_.,:/-]+$/.test(word) || /^"(?:[\w !#-&(-/:-@[\]^`{-~]|\\["'\\])*"$/.test(word),
    )
  );
}

/** The script of `iptables-restore --noflush`, which is one transaction of a table; undefined where nothing is to go. */
export function renderRestore(
  table: string,
  removals: readonly Removal[],
  { chains }: SavedTable,
): string | undefined {
  const gone = [...new Set(removals.flatMap((removal) => removal.chains))].filter((chain) =>
    chains.includes(chain),
  );
  const deletions = removals.flatMap((removal) => removal.deletions);
  if (gone.length + deletions.length === 0) return undefined;
  return [
    `*${table}`,
    ...deletions,
    ...gone.map((chain) => `-F ${chain}`),
    ...gone.map((chain) => `-X ${chain}`),
    'COMMIT\n',
  ].join('\n');
}
