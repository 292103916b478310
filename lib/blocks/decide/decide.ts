import { nameOf } from '../table/block-name.ts';
import { isWritable } from '../table/overlap.ts';
import type { Own } from '../table/own.ts';
import type { Action } from './action.ts';
import { nextGift } from './decide-giving.ts';
import { nextTaking } from './decide-taking.ts';
import { type Standing, usedOf } from './standing.ts';

/** How far two messages about how much of a block is used are apart. */
const toldEveryMs = 5_000;

/**
 * The next step of a host; undefined where everything is as it should be. What was begun comes first, then what this host
 * needs, then what others need, and last what it can do without.
 */
export function decide(all: Standing): Action | undefined {
  const standing = { ...all, own: writable(all.own) };
  return nextEnd(standing) ?? nextTaking(standing) ?? nextGift(standing) ?? nextMessage(standing);
}

/** What is written over by somebody's hand is left to that hand, and leased from meanwhile. */
function writable({ blocks, borrowed, overlapped }: Own): Own {
  return {
    blocks: blocks.filter(isWritable),
    borrowed: borrowed.filter(({ block }) => isWritable(block)),
    overlapped: overlapped.filter(isWritable),
  };
}

/** Of blocks that are not leased from any more. */
function nextEnd(standing: Standing): Action | undefined {
  const { blocks, overlapped } = standing.own;
  const released = blocks.find(({ state }) => state === 'releasing');
  if (released !== undefined) return { kind: 'release', block: released };
  const dropped = overlapped.find((block) => block.loans.size === 0 && usedOf(block, standing) === 0);
  return dropped && { kind: 'drop', block: dropped };
}

function nextMessage(standing: Standing): Action | undefined {
  const { own, told, nowMs } = standing;
  const block = own.blocks.find(
    (each) => nowMs - (told.get(nameOf(each)) ?? 0) >= toldEveryMs && each.used !== usedOf(each, standing),
  );
  return block && { kind: 'tell', block };
}
