import type { Fields } from '../cni/fields.ts';
import { unexpected } from '../cni/fields.ts';
import { type Family, parseAddress, protocolOf } from '../net/address.ts';
import { asHost, type Cidr, formatCidr, networkOf, parseCidr } from '../net/cidr.ts';
import { type IfName, parseIfName } from '../net/ifname.ts';

/** What must hold of a packet before a host port leads it to the container. */
export type Condition = { readonly isNegated: boolean } & (
  | { readonly kind: 'source' | 'destination'; readonly network: Cidr }
  | { readonly kind: 'interface'; readonly name: IfName }
);

/** A condition as nft has it. */
export function renderCondition(condition: Condition): string {
  const not = condition.isNegated ? '!= ' : '';
  if (condition.kind === 'interface') return `iifname ${not}"${condition.name}"`;
  const { network, kind } = condition;
  const protocol = protocolOf(network.address.family);
  return `${protocol} ${kind === 'source' ? 'saddr' : 'daddr'} ${not}${formatCidr(network)}`;
}

/**
 * The conditions of one family (`conditionsV4`, `conditionsV6`), which the reference hands to iptables or nft as they are:
 * of either's language those of source, destination and incoming interface are understood.
 * @throws CniError code 7 for anything else
 */
export function parseConditions(fields: Fields, family: Family): readonly Condition[] {
  const name = `conditionsV${family}`;
  const words = (fields.strings(name) ?? [])
    .flatMap((text) => text.split(/\s+/))
    .filter((word) => word !== '');
  const found = parseWords(words.join(' '), family);
  if (found !== undefined && found.length <= mostConditions) return found;
  throw unexpected(fields.at(name), expected(family), words.join(' '));
}

/** More would not fit the line of a rule. */
const mostConditions = 10;

function expected(family: Family): string {
  const protocol = protocolOf(family);
  return `at most ${mostConditions} of: -s, -d (IPv${family} address or network) or -i (interface), each with "!" before it or without; or in nft's words ${protocol} saddr, ${protocol} daddr, iifname, each with "!=" or without`;
}

/** One condition and the space behind it, in iptables' words or in nft's. */
const pattern =
  /(?:(?<not>! )?(?<option>-s|--source|-d|--destination|-i|--in-interface)|(?<match>ip6? [sd]addr|iifname)(?<differs> !=)?) (?<value>[^\s!=]\S*)(?: |$)/y;

const kinds: Readonly<Record<string, Condition['kind']>> = {
  '-s': 'source',
  '--source': 'source',
  '-d': 'destination',
  '--destination': 'destination',
  '-i': 'interface',
  '--in-interface': 'interface',
  iifname: 'interface',
  'ip saddr': 'source',
  'ip daddr': 'destination',
  'ip6 saddr': 'source',
  'ip6 daddr': 'destination',
};

/** Undefined where some of the text is not understood. */
function parseWords(text: string, family: Family): readonly Condition[] | undefined {
  const found: Condition[] = [];
  const reader = new RegExp(pattern);
  while (reader.lastIndex < text.length) {
    const groups = reader.exec(text)?.groups;
    const condition = groups === undefined ? undefined : parseCondition(groups, family);
    if (condition === undefined) return undefined;
    found.push(condition);
  }
  return found;
}

type Groups = Readonly<Record<string, string | undefined>>;

function parseCondition(
  { not, option, match, differs, value = '' }: Groups,
  family: Family,
): Condition | undefined {
  const kind = kinds[option ?? match ?? ''];
  const isNegated = (not ?? differs) !== undefined;
  if (kind === 'interface') {
    const name = parseIfName(value.replace(/^"(.*)"$/, '$1'));
    return name === undefined ? undefined : { kind, name, isNegated };
  }
  const network = parseNetwork(value);
  const isOfFamily = network?.address.family === family && match?.startsWith('ip6') !== (family === 4);
  return kind === undefined || network === undefined || !isOfFamily
    ? undefined
    : { kind, network, isNegated };
}

function parseNetwork(text: string): Cidr | undefined {
  const address = parseAddress(text);
  const network = address === undefined ? parseCidr(text) : asHost(address);
  return network === undefined ? undefined : networkOf(network);
}
