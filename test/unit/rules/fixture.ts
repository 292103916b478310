import { type IfName, parseIfName } from '../../../lib/net/ifname.ts';
import type { ListedRules } from '../../../lib/rules/listed-rules.ts';
import { ListedRules as Listed } from '../../../lib/rules/listed-rules.ts';
import { ownerComment } from '../../../lib/rules/owner.ts';
import type { RulesOwner, RulesRecord } from '../../../lib/rules/record.ts';
import type { OwnRule, SharedRule } from '../../../lib/rules/rules.ts';
import { bridgeTable, inetTable, portmapTable } from '../../../lib/rules/tables.ts';

/** What every attachment of these tests has in common with the others. */
export const shared: readonly SharedRule[] = [
  { kind: 'add-set', table: bridgeTable, set: 'checked', types: ['ifname'] },
  { kind: 'add-set', table: portmapTable, set: 'ports', types: ['inet_service'], values: ['ipv4_addr'] },
  chain('in', ['first', 'second']),
];

export function chain(name: string, comments: readonly string[]): SharedRule & OwnRule {
  const rules = comments.map((comment) => ({ text: 'counter', comment }));
  return { kind: 'write-chain', table: inetTable, chain: name, comment: 'of a test', rules };
}

/** An attachment that has an entry in a set, a host port, and a chain. */
export function recordOf(containerId: string, { port = 8080, boot = 'boot' } = {}): RulesRecord {
  const owner: RulesOwner = { network: 'net', plugin: 'bridge', containerId, ifName: ifNameOf('eth0') };
  const comment = ownerComment(owner.network, owner);
  return {
    owner,
    proof: { bootId: boot, netns: { path: `/run/netns/${containerId}`, device: 4, inode: 2 } },
    rules: {
      shared,
      own: [
        chain(`own_${containerId}`, ['mine']),
        { kind: 'add-element', table: bridgeTable, set: 'checked', key: [`"${containerId}"`], comment },
        {
          kind: 'create-element',
          what: `host port ${port}/tcp`,
          ...{ table: portmapTable, set: 'ports', key: [`${port}`], value: ['10.0.0.2'], comment },
        },
      ],
    },
    flows: [{ protocol: 'udp', family: 4, port: 53 }],
    epoch: '',
    atMs: 0,
  };
}

/** A kernel that has exactly these rules. */
export function kernelWith(rules: readonly (SharedRule | OwnRule)[]): ListedRules {
  const chains = rules.filter((rule) => rule.kind === 'write-chain');
  const elements = rules.filter((rule) => rule.kind === 'add-element' || rule.kind === 'create-element');
  return new Listed({
    sets: rules.filter((rule) => rule.kind === 'add-set'),
    chains,
    rules: chains.flatMap(({ table, chain: name, rules: own }) =>
      own.map(({ comment }) => ({ table, chain: name, comment })),
    ),
    elements: elements.map(({ comment = '', value = [], ...element }) => ({
      ...element,
      value: value.join(' . '),
      comment,
    })),
  });
}

export function ifNameOf(text: string): IfName {
  const name = parseIfName(text);
  if (name === undefined) throw new Error(`${text} is no name of an interface`);
  return name;
}
