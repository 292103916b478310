import { Fields, unexpected } from '../cni/fields.ts';
import type { NetConf } from '../cni/netconf.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { parseName } from './config.ts';

/** Aliases that one container may have: each is an instance for every port and address of it. */
const mostAliases = 32;

/**
 * The container's further names in the network, which the runtime gives as the capability `aliases`: a list, or, from
 * podman, an object of lists by network, of which the others are not looked at. Names that differ in capitals only are
 * one name.
 * @throws CniError code 7 naming the field
 */
export function parseAliases({ name, fields }: NetConf): readonly string[] {
  const aliases = parseList(fields.object('runtimeConfig'), name) ?? [];
  const distinct = [...new Map(aliases.map((alias) => [alias.toLowerCase(), alias])).values()];
  if (distinct.length <= mostAliases) return distinct;
  throw new CniError(
    ErrorCode.invalidConfig,
    `runtimeConfig.aliases: ${distinct.length} names, and ${mostAliases} are allowed`,
  );
}

function parseList(given: Fields | undefined, network: string): readonly string[] | undefined {
  const raw = given?.raw('aliases');
  if (given === undefined || raw === undefined) return undefined;
  if (Array.isArray(raw)) return given.array('aliases', parseAlias);
  return ofNetwork(new Fields(raw, given.at('aliases')), raw as object, network).array(network, parseAlias);
}

/** Fields match without regard to case; networks are named exactly. */
function ofNetwork({ path }: Fields, lists: object, network: string): Fields {
  return new Fields(Object.fromEntries(Object.entries(lists).filter(([key]) => key === network)), path);
}

function parseAlias(item: unknown, path: string): string {
  const alias = typeof item === 'string' && /[a-z\d]/i.test(item) ? parseName(item) : undefined;
  if (alias !== undefined) return alias;
  throw unexpected(path, 'a printable name of at most 255 characters with a letter or digit', item);
}
