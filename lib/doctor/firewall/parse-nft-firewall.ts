import { type Json, listOf, objectOf, textOf } from '../../iproute/json.ts';
import { admittedMark } from '../../iptables/marks.ts';
import { parseAddress } from '../../net/address.ts';
import { asHost, type Cidr, parseCidr } from '../../net/cidr.ts';
import type { Condition, EntryChain, FilterRule, Firewall, RuleOutcome } from './firewall.ts';

/** Output of `nft -j list ruleset`, without our own tables. */
export function parseNftFirewall(text: string): Firewall {
  const objects = listOf(objectOf(JSON.parse(text)).nftables).map(objectOf);
  const ofKind = (kind: string) =>
    objects.filter((object) => kind in object).map((object) => objectOf(object[kind]));
  const chains = ofKind('chain').filter(({ table }) => !ourTables.test(textOf(table)));
  const maps = new Map(ofKind('map').map((map) => [`${inTable(map)} ${textOf(map.name)}`, listOf(map.elem)]));
  const rules = Map.groupBy(ofKind('rule'), (rule) => idOf(rule, textOf(rule.chain)));
  return {
    entries: chains.filter(({ hook }) => hook === 'forward').map((chain) => toEntry(chain, chains)),
    chains: new Map(
      [...rules].map(([id, list]) => [
        id,
        list.flatMap((rule) => toRules(rule, { maps, table: inTable(rule) })),
      ]),
    ),
  };
}

const ourTables = /^fairlead(_|$)/;

function toEntry(chain: Json, chains: readonly Json[]): EntryChain {
  const [family, table, name] = [textOf(chain.family), textOf(chain.table), textOf(chain.name)];
  const neighbours = chains
    .filter((each) => inTable(each) === inTable(chain))
    .map((each) => textOf(each.name));
  return {
    id: idOf(chain, name),
    title: `chain ${name} of table ${family} ${table}`,
    place: { kind: 'nft', family, table, chain: name, neighbours },
    sees: sightOf(family),
    policy: chain.policy === 'drop' ? 'drop' : 'accept',
  };
}

function sightOf(family: string): EntryChain['sees'] {
  if (family === 'bridge') return ['frames'];
  return family === 'ip' ? [4] : family === 'ip6' ? [6] : [4, 6];
}

function inTable({ family, table }: Json): string {
  return `${textOf(family)} ${textOf(table)}`;
}

function idOf(within: Json, chain: string): string {
  return `${inTable(within)} ${chain}`;
}

type Surroundings = {
  /** The elements of the named maps. */
  readonly maps: ReadonlyMap<string, readonly unknown[]>;
  readonly table: string;
};

/** One rule; a verdict map is as many as it has elements. */
function toRules(rule: Json, around: Surroundings): readonly FilterRule[] {
  const statements = listOf(rule.expr).map(objectOf);
  const [outcome = { kind: 'continue' }] = statements.flatMap((each) => toOutcome(each, around.table));
  const match = statements.flatMap((statement) => toConditions(statement, outcome));
  const map = statements.find((statement) => 'vmap' in statement);
  if (map === undefined) return [{ match, outcome }];
  return toMapRules(objectOf(map.vmap), around).map((each) => ({
    ...each,
    match: [...match, ...each.match],
  }));
}

function toMapRules({ key, data }: Json, { maps, table }: Surroundings): readonly FilterRule[] {
  const elements = typeof data === 'string' ? maps.get(`${table} ${data.slice(1)}`) : objectOf(data).set;
  return listOf(elements).map((element) => {
    const [value, verdict] = listOf(element);
    const [outcome = { kind: 'continue' }] = toOutcome(objectOf(verdict), table);
    return { match: [toCondition({ op: '==', left: key, right: value })], outcome };
  });
}

/** What of a statement says for which packets the rule is: none for one that only counts or logs. */
function toConditions(statement: Json, outcome: RuleOutcome): readonly Condition[] {
  if ('match' in statement) return [toCondition(objectOf(statement.match))];
  if ('limit' in statement || 'quota' in statement) return [{ by: 'unknown' }];
  const { type, name } = objectOf(statement.xt);
  if (type !== 'match' || name === 'comment') return [];
  // An extension of iptables, of which nft shows but the name: what such rules are nearly always for is assumed.
  if (name !== 'conntrack' && name !== 'state') return [{ by: 'unknown' }];
  const names = outcome.kind === 'drop' ? ['invalid'] : ['established', 'related'];
  return [{ by: 'state', isNot: false, names }];
}

const keys = {
  iifname: 'in',
  iif: 'in',
  oifname: 'out',
  oif: 'out',
  state: 'state',
  status: 'state',
} as const;

function toCondition({ op, left, right }: Json): Condition {
  const { meta, ct, payload } = objectOf(left);
  const isNot = op === '!=';
  const values = [right].flat().flatMap((value) => objectOf(value).set ?? value);
  if (payload !== undefined) return toAddressCondition(textOf(objectOf(payload).field), values, isNot);
  if (isOfMark(left, right)) return { by: 'admitted', isNot };
  const key = textOf(objectOf(meta ?? ct).key);
  const by = Object.entries(keys).find(([name]) => name === key)?.[1];
  // What is in a named set is not looked up.
  const names = values.map(textOf).filter((name) => name !== '' && !name.startsWith('@'));
  return by === undefined || names.length !== values.length ? { by: 'unknown' } : { by, isNot, names };
}

/** `mark & 0x1000 == 0x1000`. */
function isOfMark(left: unknown, right: unknown): boolean {
  const [masked, mask] = listOf(objectOf(left)['&']);
  const isMark = objectOf(objectOf(masked).meta).key === 'mark';
  return isMark && mask === Number(admittedMark) && right === Number(admittedMark);
}

const ends = { saddr: 'source', daddr: 'destination' } as const;

function toAddressCondition(field: string, values: readonly unknown[], isNot: boolean): Condition {
  const by = Object.entries(ends).find(([name]) => name === field)?.[1];
  const networks = values.map(toNetwork).filter((network) => network !== undefined);
  return by === undefined || networks.length !== values.length ? { by: 'unknown' } : { by, isNot, networks };
}

/** An address, or `{"prefix": {"addr", "len"}}`; of ranges and named sets nothing is known. */
function toNetwork(value: unknown): Cidr | undefined {
  const { addr, len } = objectOf(objectOf(value).prefix);
  if (typeof value !== 'string') return parseCidr(`${textOf(addr)}/${Number(len)}`);
  const address = parseAddress(value);
  return address === undefined ? undefined : asHost(address);
}

function toOutcome(statement: Json, table: string): readonly RuleOutcome[] {
  const [kind = ''] = Object.keys(statement);
  if (kind === 'accept' || kind === 'drop' || kind === 'return' || kind === 'continue') return [{ kind }];
  if (kind === 'reject') return [{ kind: 'drop' }];
  if (kind === 'jump' || kind === 'goto')
    return [{ kind, chain: `${table} ${textOf(objectOf(statement[kind]).target)}` }];
  const { type, name } = objectOf(statement.xt);
  return type === 'target' && name === 'REJECT' ? [{ kind: 'drop' }] : [];
}
