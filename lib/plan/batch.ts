import type { NftOperation } from '../nft/operation.ts';
import type { TcOperation } from '../tc/operation.ts';
import type {
  AcceptForwardedOperation,
  BridgeOperation,
  FileOperation,
  ForgetFlowsOperation,
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
  | { readonly tool: 'conntrack'; readonly operations: readonly ForgetFlowsOperation[] }
  | { readonly tool: 'iptables-forward'; readonly operations: readonly AcceptForwardedOperation[] }
  | { readonly tool: 'file'; readonly operations: readonly FileOperation[] }
  | { readonly tool: 'tc'; readonly operations: readonly TcOperation[] }
  | { readonly tool: 'nft'; readonly operations: readonly NftOperation[] }
);

/** The batches that a process carries out. */
export type ProcessBatch = Extract<Batch, { tool: 'ip' | 'bridge' | 'tc' | 'nft' }>;

export type Tool = Batch['tool'];

/** Steps that run together: neighbours for the same tool and place. */
export type StepGroup = readonly [Step, ...Step[]];

/** The steps of a plan in groups, in order. */
export function groupSteps(plan: Plan): readonly StepGroup[] {
  const groups: [Step, ...Step[]][] = [];
  for (const step of plan) {
    const last = groups.at(-1);
    if (last !== undefined && belongsWith(last[0], step)) last.push(step);
    else groups.push([step]);
  }
  return groups;
}

/** The operations of a group as one batch. */
export function toBatch(group: StepGroup): Batch {
  const [{ place, operation }] = group;
  return { place, tool: toolOf(operation), operations: group.map((step) => step.operation) } as Batch;
}

function toolOf({ kind }: Operation): Tool {
  switch (kind) {
    case 'add-vlan':
    case 'delete-vlan':
    case 'replace-fdb':
    case 'delete-fdb':
    case 'append-flood':
    case 'delete-flood':
      return 'bridge';
    case 'set-sysctl':
      return 'sysctl';
    case 'await-addresses':
      return 'settle';
    case 'delete-unused-bridge':
      return 'unused-bridge';
    case 'accept-forwarded':
      return 'iptables-forward';
    case 'write-file':
    case 'remove-file':
      return 'file';
    case 'forget-flows':
      return 'conntrack';
    case 'add-token-bucket':
    case 'add-ingress-qdisc':
    case 'redirect-ingress':
    case 'delete-root-qdisc':
    case 'delete-ingress-qdisc':
      return 'tc';
    case 'write-chain':
    case 'add-set':
    case 'add-element':
    case 'create-element':
    case 'remove-element':
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

/** What takes the steps back: their undo operations in reverse, in batches. */
export function undoOf(steps: readonly Step[]): readonly Batch[] {
  const undos = steps
    .toReversed()
    .flatMap(({ place, undo }) => (undo === undefined ? [] : [{ place, operation: undo }]));
  return groupSteps(undos).map(toBatch);
}
