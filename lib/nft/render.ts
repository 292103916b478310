import type { NftOperation, NftTable } from './operation.ts';

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
      const { chain, type, hook, priority, comment, rules } = operation;
      return [
        `add chain ${table} ${chain} { type ${type} hook ${hook} priority ${priority}; comment ${quote(comment)}; }`,
        `flush chain ${table} ${chain}`,
        ...rules.map((rule) => `add rule ${table} ${chain} ${rule.text} comment ${quote(rule.comment)}`),
      ];
    }
    case 'add-set':
      return [`add set ${table} ${operation.set} { type ${operation.types.join(' . ')}; }`];
    case 'add-element':
      return [`add element ${table} ${operation.set} { ${operation.key.join(' . ')} }`];
    case 'delete-element':
      return [`delete element ${table} ${operation.set} { ${operation.key.join(' . ')} }`];
    case 'delete-chain':
      return [`flush chain ${table} ${operation.chain}`, `delete chain ${table} ${operation.chain}`];
    case 'delete-table':
      return [`delete table ${table}`];
  }
}

function renderTable({ family, name }: NftTable): string {
  return `${family} ${name}`;
}

/** nft has no escape inside a string: a text that would need one cannot be written. */
function quote(text: string): string {
  if (/^[\x20-\x7e]{0,127}$/.test(text) && !text.includes('"')) return `"${text}"`;
  throw new Error(`not a string that nft can hold: ${JSON.stringify(text)}`);
}
