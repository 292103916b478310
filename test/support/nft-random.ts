import type { NftElement, NftOperation } from '../../lib/nft/operation.ts';
import { declaredSets } from '../../lib/rules/declared-sets.ts';
import type { Random } from './random.ts';

/** The chain that verdicts of random elements lead to. */
export const randomChain = 'own_0123456789abcdef_portmap4';

const few = [1, 2, 3];

/** A text of each data type, out of so few that elements meet. */
const texts: Readonly<Record<string, (random: Random) => string>> = {
  ifname: (random) => `"${random.pick(['a', 'veth0123456', 'br-with-15bytes', 'x.1', 'a$b;c{d}'])}"`,
  ether_addr: (random) => `02:00:00:ff:0a:0${random.pick(few)}`,
  ipv4_addr: (random) => random.pick(['10.0.0.1', '255.255.255.255', '0.0.0.0', '192.0.2.77']),
  ipv6_addr: (random) => random.pick(['2001:db8::1', '::1', 'fe80::ffff:1', 'ffff:ffff::']),
  inet_proto: (random) => random.pick(['tcp', 'udp', 'sctp']),
  inet_service: (random) => random.pick(['1', '80', '65535']),
  verdict: () => `goto ${randomChain}`,
};

/** Comments of every length that nft takes, and none. */
function randomComment(random: Random): { comment?: string } {
  const length = random.pick([0, 1, 40, 127]);
  const comment = Array.from({ length }, () => random.pick([...'abc/ #;{}$~-'])).join('');
  return random.below(3) === 0 ? {} : { comment };
}

/** An element of any set of ours. */
export function randomElement(random: Random): NftElement {
  const { table, set, types, values } = random.pick(declaredSets);
  const draw = (type: string) => texts[type]?.(random) ?? type;
  return {
    table,
    set,
    key: types.map(draw),
    ...(values === undefined ? {} : { value: values.map(draw) }),
    ...randomComment(random),
  };
}

/** An operation that may fail, because elements are there or not. */
function randomOperation(random: Random): NftOperation {
  const element = randomElement(random);
  const { table, set, key, value } = element;
  const kinds = ['add-element', 'create-element', 'delete-element', 'remove-element'] as const;
  switch (random.pick(kinds)) {
    case 'add-element':
      return { kind: 'add-element', ...element };
    case 'create-element':
      return { kind: 'create-element', what: 'an element', ...element };
    case 'delete-element':
      return { kind: 'delete-element', table, set, key };
    case 'remove-element':
      // Maps have no element without a value, and no planner wants that.
      return { kind: value === undefined ? 'remove-element' : 'delete-element', table, set, key };
  }
}

/** Transactions of one operation to six, of which about every other fails. */
export function randomBatches(random: Random, count: number): readonly (readonly NftOperation[])[] {
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + random.below(random.pick([1, 2, 6])) }, () => randomOperation(random)),
  );
}
