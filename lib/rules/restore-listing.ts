import { type Inquiry, outputOf, toError } from '../exec/inquiry.ts';
import type { NftTable } from '../nft/operation.ts';
import { isSameTable, parseNftListing } from '../nft/parse.ts';
import { ListedRules } from './listed-rules.ts';
import { allTables } from './tables.ts';

/** All that the kernel has in tables of ours. @throws CniError where nft cannot tell */
export function* listedInquiry(): Inquiry<ListedRules> {
  const isPresent = yield* presenceInquiry();
  const listings: string[] = [];
  for (const table of allTables) if (isPresent(table)) listings.push(yield* tableInquiry(table));
  return new ListedRules(parseNftListing(listings.join('\n')));
}

function* presenceInquiry(): Inquiry<(table: NftTable) => boolean> {
  const { tables } = parseNftListing(yield* outputOf('nft', ['-j', 'list', 'tables']));
  return (table) => tables.some((each) => isSameTable(each, table));
}

/** Nothing of a table that has just gone. */
function* tableInquiry(table: NftTable): Inquiry<string> {
  const args = ['-j', 'list', 'table', table.family, table.name];
  const outcome = yield { file: 'nft', args };
  if (outcome.status === 0) return outcome.stdout;
  if (!(yield* presenceInquiry())(table)) return '';
  throw toError('nft', args, outcome);
}
