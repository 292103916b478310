import type { Tried } from '../exec/tried.ts';
import { formatAddress, type IpAddress } from '../net/address.ts';
import { cidrContains } from '../net/cidr.ts';
import type { Action } from './decide/action.ts';
import { byText, usedOf } from './decide/standing.ts';
import type { Leases } from './leases/leases.ts';
import type { Memory } from './memory.ts';
import type { Block, NodeId } from './table/block.ts';
import type { StoredBlock } from './table/overlap.ts';
import type { BlockStore } from './table/store.ts';

/** What it takes to carry out an action. */
export type ActionParts = {
  readonly node: NodeId;
  readonly store: Pick<BlockStore, 'claim' | 'rewrite' | 'remove'>;
  readonly leases: Pick<Leases, 'addresses' | 'whileLocked'>;
  readonly memory: Pick<Memory, 'forget'>;
  /** Every address that the kernel routes to a container of this host. @throws CniError */
  readonly lookAtRoutes: () => Promise<readonly IpAddress[]>;
  /**
   * Has nobody lease these addresses from now on, until the table is asked for again.
   * @throws CniError where that cannot be written
   */
  readonly withhold: (addresses: readonly IpAddress[]) => void;
};

/** What came of an action. */
export type Outcome =
  | 'written'
  /** It is to be decided anew. */
  | 'refused'
  /** Somebody leases or frees at this moment: it is to be decided anew a little later. */
  | 'locked';

/**
 * Carries an action out, if the keys still are as they were when it was decided.
 *
 * Whatever is given up was withdrawn before: nobody can lease it any more, and a plugin that had read the older share finds
 * at its end that it must not have it. So what no lease is found of afterwards will have none. What the kernel routes to a
 * container is not given up either: its lease may have been lost.
 * @throws EtcdError; CniError where the kernel does not tell what it routes
 */
export async function carryOut(action: Action, parts: ActionParts, signal: AbortSignal): Promise<Outcome> {
  switch (action.kind) {
    case 'lend':
    case 'return':
      return giveAddresses(action, parts, signal);
    case 'release':
    case 'drop':
      return giveBlock(action, parts, signal);
    default:
      return toOutcome(await write(action, parts, signal));
  }
}

type ActionOf<Kind extends Action['kind']> = Extract<Action, { readonly kind: Kind }>;

function toOutcome(isWritten: boolean): Outcome {
  return isWritten ? 'written' : 'refused';
}

/** What gives nothing up. */
function write(
  action: Exclude<Action, ActionOf<'lend' | 'return' | 'release' | 'drop'>>,
  { store, node, leases }: ActionParts,
  signal: AbortSignal,
): Promise<boolean> {
  const rewrite = (block: StoredBlock, to: Partial<Block>) =>
    store.rewrite(block, { ...block, ...to }, signal);
  switch (action.kind) {
    case 'claim':
      return store.claim(newBlock(action, node), signal);
    case 'confirm':
      return rewrite(action.block, { state: 'confirmed' });
    case 'suspend':
      return rewrite(action.block, { state: 'pending' });
    case 'mark':
      return rewrite(action.block, { loans: marked(action, node) });
    case 'want':
      return rewrite(action.block, { wanted: new Map([...action.block.wanted, [node, action.count]]) });
    case 'unwant':
      return rewrite(action.block, { wanted: without(action.block.wanted, node) });
    case 'withdraw':
      return rewrite(action.block, { state: 'releasing' });
    case 'tell':
      return rewrite(action.block, { used: usedOf(action.block, { leased: byText(leases.addresses()) }) });
  }
}

async function giveAddresses(
  action: ActionOf<'lend' | 'return'>,
  parts: ActionParts,
  signal: AbortSignal,
): Promise<Outcome> {
  const free = await withdrawFree(action.addresses, parts);
  if (free.kind === 'locked') return 'locked';
  const change = action.kind === 'lend' ? lent(action, free.answer) : givenBack(action, free.answer);
  return toOutcome(await parts.store.rewrite(action.block, { ...action.block, ...change }, signal));
}

/** The share is without the block by now. */
async function giveBlock(
  { kind, block }: ActionOf<'release' | 'drop'>,
  { store, memory, ...parts }: ActionParts,
  signal: AbortSignal,
): Promise<Outcome> {
  const looked = await lookAtUse(parts);
  if (looked.kind === 'locked') return 'locked';
  const isUsed = block.loans.size > 0 || looked.answer.some((address) => cidrContains(block.cidr, address));
  if (!isUsed) {
    memory.forget(block);
    return toOutcome(await store.remove(block, signal));
  }
  if (kind === 'drop') return 'refused';
  return toOutcome(await store.rewrite(block, { ...block, state: 'confirmed' }, signal));
}

function newBlock({ cidr, loans }: ActionOf<'claim'>, node: NodeId): Block {
  return { cidr, node, state: 'pending', loans, wanted: new Map(), used: 0 };
}

/** What a container has is its host's, as if it had been lent. */
function marked({ block, addresses }: ActionOf<'mark'>, node: NodeId): Block['loans'] {
  const marks = addresses.map((address) => [formatAddress(address), { address, node }] as const);
  return new Map([...block.loans, ...marks]);
}

/** A block with what is lent of it, to a host that asks no more. */
function lent({ block, to }: ActionOf<'lend'>, free: readonly IpAddress[]): Pick<Block, 'loans' | 'wanted'> {
  const loans = new Map(block.loans);
  for (const address of free) loans.set(formatAddress(address), { address, node: to });
  return { loans, wanted: without(block.wanted, to) };
}

/** A block without what is given back of it; the same where all of that is used by now. */
function givenBack({ block }: ActionOf<'return'>, free: readonly IpAddress[]): Pick<Block, 'loans'> {
  const back = new Set(free.map(formatAddress));
  return { loans: new Map([...block.loans].filter(([text]) => !back.has(text))) };
}

/** @returns those of the addresses that nobody has, nor will have */
async function withdrawFree(
  addresses: readonly IpAddress[],
  parts: Pick<ActionParts, 'withhold' | 'leases' | 'lookAtRoutes'>,
): Promise<Tried<readonly IpAddress[]>> {
  if (addresses.length === 0) return { kind: 'done', answer: [] };
  parts.withhold(addresses);
  const looked = await lookAtUse(parts);
  if (looked.kind === 'locked') return looked;
  const used = byText(looked.answer);
  return { kind: 'done', answer: addresses.filter((address) => !used.has(formatAddress(address))) };
}

/** What containers of this host have, by the leases and by the kernel. */
async function lookAtUse({
  leases,
  lookAtRoutes,
}: Pick<ActionParts, 'leases' | 'lookAtRoutes'>): Promise<Tried<readonly IpAddress[]>> {
  const routed = await lookAtRoutes();
  return leases.whileLocked((leased) => [...leased, ...routed]);
}

function without(wanted: Block['wanted'], node: NodeId): Block['wanted'] {
  return new Map([...wanted].filter(([each]) => each !== node));
}
