import type { NftOperation } from '../nft/operation.ts';
import type {
  BridgeOperation,
  IpOperation,
  Operation,
  Place,
  Plan,
  SettleOperation,
  Step,
  SysctlOperation,
  UnusedBridgeOperation,
} from './operation.ts';

/** Operations that one process (or none) carries out together, in one namespace. */
export type Batch = { readonly place: Place } & (
  | { readonly tool: 'ip'; readonly operations: readonly IpOperation[] }
  | { readonly tool: 'bridge'; readonly operations: readonly BridgeOperation[] }
  | { readonly tool: 'sysctl'; readonly operations: readonly SysctlOperation[] }
  | { readonly tool: 'settle'; readonly operations: readonly SettleOperation[] }
  | { readonly tool: 'unused-bridge'; readonly operations: readonly UnusedBridgeOperation[] }
  | { readonly tool: 'nft'; readonly operations: readonly NftOperation[] }
);

export type Tool = Batch['tool'];

/** The steps of a plan that run together, in order: neighbours for the same tool and place share a batch. */
export function groupSteps(plan: Plan): readonly (readonly [Step, ...Step[]])[] {
  const groups: [Step, ...Step[]][] = [];
  for (const step of plan) {
    const last = groups.at(-1);
    if (last !== undefined && belongsWith(last[0], step)) last.push(step);
    else groups.push([step]);
  }
  return groups;
}

/** Neighbouring operations as one batch. All must be for the same tool. */
export function toBatch(place: Place, operations: readonly Operation[]): Batch {
  const first = operations[0];
  const tool = first === undefined ? 'sysctl' : toolOf(first);
  return { place, tool, operations } as Batch;
}

export function toolOf({ kind }: Operation): Tool {
  switch (kind) {
    case 'add-vlan':
    case 'delete-vlan':
      return 'bridge';
    case 'set-sysctl':
      return 'sysctl';
    case 'await-addresses':
      return 'settle';
    case 'delete-unused-bridge':
      return 'unused-bridge';
    case 'write-chain':
    case 'add-set':
    case 'add-element':
    case 'delete-element':
    case 'delete-chain':
    case 'delete-table':
      return 'nft';
    default:
      return 'ip';
  }
}

function belongsWith(one: Step, other: Step): boolean {
  return one.place === other.place && toolOf(one.operation) === toolOf(other.operation);
}

/** What takes back the first `done` steps of a group: their undo operations in reverse, in batches. */
export function undoOf(steps: readonly Step[]): readonly Batch[] {
  const undos: Step[] = steps
    .toReversed()
    .flatMap(({ place, undo }) => (undo === undefined ? [] : [{ place, operation: undo }]));
  return groupSteps(undos).map((group) =>
    toBatch(
      group[0].place,
      group.map(({ operation }) => operation),
    ),
  );
}
