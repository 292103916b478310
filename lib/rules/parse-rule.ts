import { Fields, parseText, unexpected } from '../cni/fields.ts';
import type { ChainHook, NftElement, NftRule, NftTable } from '../nft/operation.ts';
import type { OwnRule, SharedRule } from './rules.ts';

/** A rule of an attachment's alone as a record has it. @throws CniError code 7 */
export function parseOwnRule(item: unknown, path: string): OwnRule {
  const fields = new Fields(item, path);
  const kind = oneOf(fields, 'kind', ['add-element', 'create-element', 'write-chain']);
  switch (kind) {
    case 'write-chain':
      return { kind, ...parseChain(fields) };
    case 'add-element':
      return { kind, ...parseElement(fields) };
    case 'create-element':
      return { kind, what: quotedText(fields, 'what'), ...parseElement(fields) };
  }
}

/** A rule that attachments have in common. @throws CniError code 7 */
export function parseSharedRule(item: unknown, path: string): SharedRule {
  const fields = new Fields(item, path);
  const kind = oneOf(fields, 'kind', ['add-element', 'remove-element', 'add-set', 'write-chain']);
  switch (kind) {
    case 'write-chain':
      return { kind, ...parseChain(fields) };
    case 'add-element':
    case 'remove-element':
      return { kind, ...parseElement(fields) };
    case 'add-set':
      return { kind, ...parseSet(fields) };
  }
}

function parseChain(fields: Fields) {
  const hook = fields.object('hook');
  return {
    table: parseTable(fields),
    chain: identifier(fields, 'chain'),
    ...(hook === undefined ? {} : { hook: parseHook(hook) }),
    comment: quotedText(fields, 'comment'),
    rules: fields.array('rules', parseNftRule) ?? [],
  };
}

function parseHook(fields: Fields): ChainHook {
  const hooks = ['prerouting', 'input', 'forward', 'output', 'postrouting'] as const;
  return {
    type: oneOf(fields, 'type', ['nat', 'filter']),
    hook: oneOf(fields, 'hook', hooks),
    priority: plainText(fields, 'priority'),
  };
}

function parseNftRule(item: unknown, path: string): NftRule {
  const fields = new Fields(item, path);
  return { text: plainText(fields, 'text'), comment: quotedText(fields, 'comment') };
}

function parseSet(fields: Fields) {
  const values = words(fields, 'values');
  return {
    table: parseTable(fields),
    set: identifier(fields, 'set'),
    types: words(fields, 'types') ?? fields.missing('types'),
    ...(values === undefined ? {} : { values }),
  };
}

function parseElement(fields: Fields): NftElement {
  const value = words(fields, 'value');
  const comment = fields.has('comment') ? { comment: quotedText(fields, 'comment') } : {};
  return {
    table: parseTable(fields),
    set: identifier(fields, 'set'),
    key: words(fields, 'key') ?? fields.missing('key'),
    ...(value === undefined ? {} : { value }),
    ...comment,
  };
}

const tableNames = ['fairlead', 'fairlead_portmap', 'fairlead_firewall'] as const;

function parseTable(fields: Fields): NftTable {
  const table = fields.object('table') ?? fields.missing('table');
  return { family: oneOf(table, 'family', ['inet', 'bridge']), name: oneOf(table, 'name', tableNames) };
}

function oneOf<const T extends string>(fields: Fields, name: string, choices: readonly T[]): T {
  const found = fields.string(name);
  const chosen = choices.find((choice) => choice === found);
  if (chosen !== undefined) return chosen;
  throw unexpected(fields.at(name), `one of ${choices.join(', ')}`, found);
}

function identifier(fields: Fields, name: string): string {
  return matching(fields.string(name), fields.at(name), /^[A-Za-z]\w{0,127}$/);
}

/** What may stand in a line of nft's script: one line, and one statement. */
function plainText(fields: Fields, name: string): string {
  return matching(fields.string(name), fields.at(name), /^[\x20-\x7e]{0,1000}$/);
}

/** What stands in quotes there. */
function quotedText(fields: Fields, name: string): string {
  const text = fields.string(name);
  if (text !== undefined && /^[\x20-\x7e]{0,127}$/.test(text) && !text.includes('"')) return text;
  throw unexpected(fields.at(name), 'a text that nft can hold', text);
}

function words(fields: Fields, name: string): readonly string[] | undefined {
  return fields.array(name, (item, path) => matching(parseText(item, path), path, /^[\x21-\x7e ]{1,200}$/));
}

function matching(text: string | undefined, path: string, pattern: RegExp): string {
  if (text !== undefined && pattern.test(text) && isOneStatement(text)) return text;
  throw unexpected(path, 'a text that may stand in a script of nft', text);
}

/** What is quoted, as a name of an interface is, nft takes as it stands. */
function isOneStatement(text: string): boolean {
  return !/[";\\#]/.test(text.replaceAll(/"[^"\\]*"/g, ''));
}
