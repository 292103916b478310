import { Fields, unexpected } from '../../cni/fields.ts';
import { parseJson } from '../../cni/json.ts';
import { formatAddress, type IpAddress, parseAddress } from '../../net/address.ts';
import { type Cidr, cidrContains, formatCidr } from '../../net/cidr.ts';
import type { Block, Loan, NodeId } from './block.ts';
import { parseBlockName } from './block-name.ts';
import { blockLengths, sizeOf } from './block-size.ts';
import { parseNodeId } from './node-id.ts';

/**
 * The value of `<prefix>/blocks/<address>-<length>`:
 * `{"node":"…","state":"confirmed","used":3,"loans":{"10.50.0.7":"…"},"wanted":{"…":8}}`.
 * @param name the last part of the key
 * @param note called with what is wrong, and is understood nevertheless
 * @throws CniError code 6 or 7
 */
export function parseBlock(name: string, value: string, note: (problem: string) => void = () => {}): Block {
  const cidr = parseBlockCidr(name);
  const fields = new Fields(parseJson(value, 'the value'), '');
  const node = fields.parsed('node', 'the id of a host', parseNodeId) ?? fields.missing('node');
  return {
    cidr,
    node,
    state: fields.parsed('state', states.join(', '), parseState) ?? fields.missing('state'),
    used: parseUsed(fields, cidr, note),
    loans: parseLoans(fields, { cidr, node }),
    wanted: parseWanted(fields),
  };
}

/** The reverse of `parseBlock`, without the name. */
export function renderBlock({ node, state, used, loans, wanted }: Omit<Block, 'cidr'>): string {
  const lent = Object.fromEntries([...loans].map(([address, loan]) => [address, loan.node]));
  return JSON.stringify({ node, state, used, loans: lent, wanted: Object.fromEntries(wanted) });
}

function parseBlockCidr(name: string): Cidr {
  const cidr = parseBlockName(name);
  if (cidr === undefined) throw unexpected('the key', 'a block such as 10.50.0.64-26', name);
  const { min, max } = blockLengths[cidr.address.family];
  if (cidr.prefixLength >= min && cidr.prefixLength <= max) return cidr;
  throw unexpected('the key', `a length from ${min} to ${max}`, name);
}

const states = ['pending', 'confirmed', 'releasing'] as const;

function parseState(text: string): Block['state'] | undefined {
  return states.find((state) => state === text);
}

/** Only a message: a wrong one must not take the block from its host. */
function parseUsed(fields: Fields, cidr: Cidr, note: (problem: string) => void): number {
  const limits = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };
  const said = fields.integer('used', limits) ?? 0;
  const used = Math.min(Math.max(said, 0), sizeOf(cidr));
  if (used !== said) note(`used: ${said} is taken for ${used}`);
  return used;
}

function parseLoans(fields: Fields, { cidr, node }: Pick<Block, 'cidr' | 'node'>): Block['loans'] {
  const loans = new Map<string, Loan>();
  for (const [text, borrower] of entriesOf(fields, 'loans')) {
    const address = parseLent(text, cidr);
    const to = parseBorrower(borrower, `loans.${text}`);
    if (to === node) throw unexpected(`loans.${text}`, 'another host than that of the block', to);
    const key = formatAddress(address);
    if (loans.has(key)) throw unexpected('loans', 'each address once', text);
    loans.set(key, { address, node: to });
  }
  return loans;
}

/** Also one that is written otherwise: what is lent must not be taken for free. */
function parseLent(text: string, cidr: Cidr): IpAddress {
  const address = parseAddress(text);
  if (address !== undefined && cidrContains(cidr, address)) return address;
  throw unexpected('loans', `addresses of ${formatCidr(cidr)}`, text);
}

function parseBorrower(value: unknown, path: string): NodeId {
  const node = typeof value === 'string' ? parseNodeId(value) : undefined;
  if (node === undefined) throw unexpected(path, 'the id of a host', value);
  return node;
}

/** Nobody has use for more at once than the largest block has. */
const mostWanted = 4096;

function parseWanted(fields: Fields): Block['wanted'] {
  return new Map(
    entriesOf(fields, 'wanted').map(([node, count]) => {
      const path = `wanted.${node}`;
      const isCount = Number.isInteger(count) && Number(count) >= 1 && Number(count) <= mostWanted;
      if (!isCount) throw unexpected(path, `a whole number from 1 to ${mostWanted}`, count);
      return [parseBorrower(node, path), Number(count)];
    }),
  );
}

function entriesOf(fields: Fields, name: string): readonly [string, unknown][] {
  const value = fields.raw(name) ?? {};
  if (typeof value === 'object' && !Array.isArray(value)) return Object.entries(value);
  throw unexpected(name, 'an object', value);
}
