import type { AddSet, ChainHook, NftElement, NftOperation, NftTable } from './operation.ts';

/** The lines of an `nft -f` script for the operations, in order; nft runs them all or none. */
export function renderNft(operations: readonly NftOperation[]): string[] {
  const created = operations.filter(({ kind }) => kind === 'write-chain' || kind === 'add-set');
  const tables = new Set(created.map(({ table }) => `add table ${renderTable(table)}`));
  return [...tables, ...operations.flatMap(renderOperation)];
}

function renderOperation(operation: NftOperation): string[] {
  const table = renderTable(operation.table);
  switch (operation.kind) {
    case 'write-chain': {
      const { chain, hook, comment, rules } = operation;
      return [
        `add chain ${table} ${chain} { ${hook === undefined ? '' : renderHook(hook)}comment ${quote(comment)}; }`,
        `flush chain ${table} ${chain}`,
        ...rules.map((rule) => `add rule ${table} ${chain} ${rule.text} comment ${quote(rule.comment)}`),
      ];
    }
    case 'add-set':
      return [renderSet(operation, table)];
    case 'add-element':
      return [`add element ${table} ${operation.set} { ${renderElement(operation)} }`];
    case 'create-element':
      return [`create element ${table} ${operation.set} { ${renderElement(operation)} }`];
    case 'remove-element':
      return ['add', 'delete'].map(
        (verb) => `${verb} element ${table} ${operation.set} { ${operation.key.join(' . ')} }`,
      );
    case 'delete-element':
      return [`delete element ${table} ${operation.set} { ${operation.key.join(' . ')} }`];
    case 'delete-chain':
      return [`flush chain ${table} ${operation.chain}`, `delete chain ${table} ${operation.chain}`];
    case 'delete-table':
      return [`delete table ${table}`];
  }
}

function renderHook({ type, hook, priority }: ChainHook): string {
  return `type ${type} hook ${hook} priority ${priority}; `;
}

function renderSet({ set, types, values }: AddSet, table: string): string {
  const key = types.join(' . ');
  if (values === undefined) return `add set ${table} ${set} { type ${key}; }`;
  return `add map ${table} ${set} { type ${key} : ${values.join(' . ')}; }`;
}

function renderElement({ key, value, comment }: NftElement): string {
  const parts = [
    key.join(' . '),
    ...(comment === undefined ? [] : [`comment ${quote(comment)}`]),
    ...(value === undefined ? [] : [`: ${value.join(' . ')}`]),
  ];
  return parts.join(' ');
}

function renderTable({ family, name }: NftTable): string {
  return `${family} ${name}`;
}

/** nft has no escape inside a string: a text that would need one cannot be written. */
function quote(text: string): string {
  if (/^[\x20-\x7e]{0,127}$/.test(text) && !text.includes('"')) return `"${text}"`;
  throw new Error(`not a string that nft can hold: ${JSON.stringify(text)}`);
}
