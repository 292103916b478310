import { formatAddress, type IpAddress } from '../net/address.ts';
import { cidrContains } from '../net/cidr.ts';
import type { Action } from './action.ts';
import type { Block, NodeId } from './block.ts';
import type { Leases } from './leases.ts';
import type { Memory } from './memory.ts';
import type { StoredBlock } from './overlap.ts';
import { byText, usedOf } from './standing.ts';
import type { BlockStore } from './store.ts';

/** What it takes to carry out an action. */
export type ActionParts = {
  readonly node: NodeId;
  readonly store: Pick<BlockStore, 'claim' | 'rewrite' | 'remove'>;
  readonly leases: Pick<Leases, 'addresses' | 'whileLocked'>;
  readonly memory: Pick<Memory, 'forget'>;
  /**
   * Has nobody lease these addresses from now on, until the table is asked for again.
   * @throws CniError where that cannot be written
   */
  readonly withhold: (addresses: readonly IpAddress[]) => void;
};

/**
 * Carries an action out, if the keys still are as they were when it was decided.
 *
 * Whatever is given up was withdrawn before: nobody can lease it any more, and a plugin that had read the older share finds
 * at its end that it must not have it. So what no lease is found of afterwards will have none.
 * @returns whether a key was written; otherwise it is to be decided anew
 * @throws EtcdError
 */
export function carryOut(action: Action, parts: ActionParts, signal: AbortSignal): Promise<boolean> {
  const { store, node } = parts;
  const change = (block: StoredBlock, to: Partial<Block>) =>
    store.rewrite(block, { ...block, ...to }, signal);
  switch (action.kind) {
    case 'claim':
      return store.claim(newBlock(action, node), signal);
    case 'confirm':
      return change(action.block, { state: 'confirmed' });
    case 'want':
      return change(action.block, { wanted: new Map([...action.block.wanted, [node, action.count]]) });
    case 'unwant':
      return change(action.block, { wanted: without(action.block.wanted, node) });
    case 'lend':
      return change(action.block, lent(action, parts));
    case 'return':
      return change(action.block, givenBack(action, parts));
    case 'withdraw':
      return change(action.block, { state: 'releasing' });
    case 'release':
      if (action.block.loans.size === 0 && isUnused(action.block, parts))
        return remove(action, parts, signal);
      return change(action.block, { state: 'confirmed' });
    case 'drop':
      return isUnused(action.block, parts) ? remove(action, parts, signal) : Promise.resolve(false);
    case 'tell':
      return change(action.block, {
        used: usedOf(action.block, { leased: byText(parts.leases.addresses()) }),
      });
  }
}

type ActionOf<Kind extends Action['kind']> = Extract<Action, { readonly kind: Kind }>;

function newBlock({ cidr, loans }: ActionOf<'claim'>, node: NodeId): Block {
  return { cidr, node, state: 'pending', loans, wanted: new Map(), used: 0 };
}

/** A block with what is lent of it, to a host that asks no more. */
function lent(
  { block, to, addresses }: ActionOf<'lend'>,
  parts: ActionParts,
): Pick<Block, 'loans' | 'wanted'> {
  const loans = new Map(block.loans);
  for (const address of withdrawFree(addresses, parts))
    loans.set(formatAddress(address), { address, node: to });
  return { loans, wanted: without(block.wanted, to) };
}

/** A block without what is given back of it; the same where all of that is used by now. */
function givenBack({ block, addresses }: ActionOf<'return'>, parts: ActionParts): Pick<Block, 'loans'> {
  const back = new Set(withdrawFree(addresses, parts).map(formatAddress));
  return { loans: new Map([...block.loans].filter(([text]) => !back.has(text))) };
}

/** @returns those of the addresses that nobody has, nor will have */
function withdrawFree(
  addresses: readonly IpAddress[],
  { withhold, leases }: ActionParts,
): readonly IpAddress[] {
  if (addresses.length === 0) return [];
  withhold(addresses);
  return leases.whileLocked((leased) => {
    const taken = byText(leased);
    return addresses.filter((address) => !taken.has(formatAddress(address)));
  });
}

/** The share is without the block by now. */
function isUnused({ cidr }: StoredBlock, { leases }: ActionParts): boolean {
  return leases.whileLocked((leased) => !leased.some((address) => cidrContains(cidr, address)));
}

function remove(
  { block }: ActionOf<'release' | 'drop'>,
  { memory, store }: ActionParts,
  signal: AbortSignal,
): Promise<boolean> {
  memory.forget(block);
  return store.remove(block, signal);
}

function without(wanted: Block['wanted'], node: NodeId): Block['wanted'] {
  return new Map([...wanted].filter(([each]) => each !== node));
}
