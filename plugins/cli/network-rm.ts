import { listLeases } from '../../ipam/host-local/inventory.ts';
import { removeStore } from '../../ipam/host-local/store.ts';
import { networkAlias } from '../../lib/bridge/plan-bridge.ts';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import { applyPlan } from '../../lib/exec/apply.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { listLinks, listPorts, observeTable } from '../../lib/exec/observe.ts';
import { masqueradePrefix } from '../../lib/masquerade/masquerade.ts';
import { type IfName, parseIfName } from '../../lib/net/ifname.ts';
import type { NftOperation } from '../../lib/nft/operation.ts';
import { networkOverlayPrefix, overlayAlias } from '../../lib/overlay/kernel/wish.ts';
import type { Plan } from '../../lib/plan/operation.ts';
import type { RulesParts } from '../../lib/rules/remove-rules.ts';
import { bridgeTable, firewallTable, inetTable, portmapTable } from '../../lib/rules/tables.ts';

/** What a network's removal took away, for the operator. */
export type Removal = {
  readonly bridges: readonly string[];
  /** VXLAN devices of an overlay with static peers; those of an agent are the agent's. */
  readonly devices: readonly string[];
  readonly rules: readonly string[];
};

/**
 * Takes down what a network keeps when its last container has gone: bridge, VXLAN devices, rules, lease directories.
 * @throws CniError, having changed nothing, while the network has leases or its bridge has ports
 */
export function removeNetwork(network: string, dataDir: string, { machine, records }: RulesParts): Removal {
  refuseLeases(network, dataDir, machine);
  const bridges = ownBridges(network, machine);
  for (const bridge of bridges) refusePorts(bridge, machine);
  const devices = ownDevices(network, machine);
  const rules = [...planRules(network, machine), ...planElements(bridges, machine)];
  const links: Plan = [...bridges, ...devices].map((name) => ({
    place: 'host',
    operation: { kind: 'delete-link', name },
  }));
  records.forgetShared();
  applyPlan([...links, ...rules.map((operation) => ({ place: 'host', operation }) as const)], {
    machine,
    netns: '',
  });
  removeStore({ dataDir, network });
  return { bridges, devices, rules: rules.map(describeRule) };
}

function refuseLeases(network: string, dataDir: string, machine: Machine): void {
  const leases = listLeases(dataDir, network, machine);
  const [first] = leases;
  if (first === undefined) return;
  throw new CniError(
    ErrorCode.internal,
    `network ${network} has ${leases.length} leases, the first ${first.address} of container ${first.containerId || '(unknown)'}; ` +
      'remove the containers, or free what is dead with "fairlead gc"',
  );
}

/** The bridges that were created for this network; one that was there before is not ours to remove. */
function ownBridges(network: string, machine: Machine): readonly IfName[] {
  return listLinks(machine, 'bridge')
    .filter(({ alias }) => alias === networkAlias(network))
    .flatMap(({ name }) => parseIfName(name) ?? []);
}

function ownDevices(network: string, machine: Machine): readonly IfName[] {
  return listLinks(machine, 'vxlan')
    .filter(({ alias }) => alias.startsWith(networkOverlayPrefix(network)))
    .flatMap(({ name }) => parseIfName(name) ?? []);
}

/** In an overlay of layer 2, the way to the other hosts is a port, too. */
function refusePorts(bridge: IfName, machine: Machine): void {
  const port = listPorts(machine, bridge).find(({ alias }) => !alias.startsWith(overlayAlias));
  if (port === undefined) return;
  throw new CniError(
    ErrorCode.internal,
    `bridge ${bridge} still has the port ${port.name}; remove its container or detach it first`,
  );
}

/** The network's chains; and a table with nothing left in it. */
function planRules(network: string, machine: Machine): readonly NftOperation[] {
  const { chains } = observeTable(machine, inetTable);
  const own = chains.filter(({ chain }) => chain.startsWith(masqueradePrefix(network)));
  const spoof = observeTable(machine, bridgeTable);
  const removeInet: readonly NftOperation[] =
    own.length === chains.length
      ? [{ kind: 'delete-table', table: inetTable }]
      : own.map(({ chain }) => ({ kind: 'delete-chain', table: inetTable, chain }));
  return [
    ...(own.length > 0 ? removeInet : []),
    ...(spoof.chains.length > 0 && spoof.elements.length === 0
      ? [{ kind: 'delete-table', table: bridgeTable } as const]
      : []),
  ];
}

/** What port maps and policies keep of a bridge: whoever makes one of that name is not to inherit it. */
function planElements(bridges: readonly IfName[], machine: Machine): readonly NftOperation[] {
  const names = new Set(bridges.map((bridge) => `"${bridge}"`));
  return [portmapTable, firewallTable].flatMap((table) =>
    observeTable(machine, table)
      .elements.filter(({ key, comment }) => comment === '' && key.some((part) => names.has(part)))
      .map(({ set, key }): NftOperation => ({ kind: 'delete-element', table, set, key })),
  );
}

function describeRule(operation: NftOperation): string {
  const table = `${operation.table.family} ${operation.table.name}`;
  if (operation.kind === 'delete-element')
    return `element ${operation.key.join(' . ')} of ${operation.set}, table ${table}`;
  return operation.kind === 'delete-chain' ? `chain ${table} ${operation.chain}` : `table ${table}`;
}
