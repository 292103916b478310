import { CniError, ErrorCode } from '../errors/cni-error.ts';
import type { ForeignTable } from '../exec/nft-names.ts';
import { type Json, listOf, objectOf } from '../iproute/json.ts';
import { type IpAddress, parseAddress } from '../net/address.ts';
import type { Removal } from './plan-removal.ts';
import type { ForeignRule } from './rule.ts';

/** The rules that `nft -j list chain` tells of; what is not understood is left out. */
export function parseForeignRules(text: string): readonly ForeignRule[] {
  const { nftables } = objectOf(JSON.parse(text));
  return listOf(nftables).flatMap((object) => toRule(objectOf(objectOf(object).rule)));
}

function toRule({ family, table, chain, handle, comment, expr }: Json): readonly ForeignRule[] {
  const place = [family, table, chain].map(String);
  if (!place.every(isWord) || !Number.isSafeInteger(handle)) return [];
  const statements = listOf(expr).map(objectOf);
  return [
    {
      chain: String(chain),
      target: targetOf(statements),
      source: matched(statements, 'saddr'),
      destination: matched(statements, 'daddr'),
      dnat: toAddress(statements.map(({ dnat }) => objectOf(dnat).addr).find((addr) => addr !== undefined)),
      comment: String(comment ?? ''),
      deletion: `delete rule ${place.join(' ')} handle ${handle}`,
    },
  ];
}

function targetOf(statements: readonly Json[]): string | undefined {
  for (const statement of statements) {
    if ('accept' in statement) return 'ACCEPT';
    const { target } = objectOf(statement.jump ?? statement.goto);
    if (typeof target === 'string') return target;
  }
  return undefined;
}

function matched(statements: readonly Json[], field: string): IpAddress | undefined {
  const match = statements
    .map((statement) => objectOf(statement.match))
    .find(({ op, left }) => op === '==' && objectOf(objectOf(left).payload).field === field);
  return toAddress(match?.right);
}

function toAddress(value: unknown): IpAddress | undefined {
  return typeof value === 'string' ? parseAddress(value) : undefined;
}

/**
 * The lines of `nft -f` for a removal.
 * @throws CniError for a name that nft's grammar has no way to write
 */
export function renderNftRemoval(
  { family, table }: ForeignTable,
  { deletions, chains }: Removal,
): readonly string[] {
  const places = chains.map((chain) => `${family} ${table} ${checkedWord(chain)}`);
  return [
    ...deletions,
    ...places.map((place) => `flush chain ${place}`),
    ...places.map((place) => `delete chain ${place}`),
  ];
}

function checkedWord(name: string): string {
  if (isWord(name)) return name;
  throw new CniError(
    ErrorCode.internal,
    `${JSON.stringify(name)} is no name that nft can be given; delete the chain by hand`,
  );
}

/** Fit to stand in a script of nft unquoted. */
function isWord(text: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_.-]*$/.test(text);
}
