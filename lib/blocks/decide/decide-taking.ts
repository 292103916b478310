import type { Family } from '../../net/address.ts';
import { cidrContains, networkOf } from '../../net/cidr.ts';
import { nameOf } from '../table/block-name.ts';
import { sizeOf } from '../table/block-size.ts';
import { isWritable, type StoredBlock } from '../table/overlap.ts';
import { poolOf } from '../table/own.ts';
import type { Action } from './action.ts';
import { nextFreeBlock } from './free-block.ts';
import type { Standing } from './standing.ts';
import { isFree, straysOf, takenOf } from './strays.ts';
import { isIn } from './underlay.ts';

/** A host that has lent nothing is not asked again for so long. */
const askAgainMs = 10_000;

const families: readonly Family[] = [4, 6];

/** What brings this host addresses: first those that its containers have. */
export function nextTaking(standing: Standing): Action | undefined {
  return (
    nextSuspension(standing) ??
    nextConfirmation(standing) ??
    nextMark(standing) ??
    nextReclaim(standing) ??
    firstOf(families, (family) => nextOf(family, standing))
  );
}

function firstOf<T>(items: readonly T[], find: (item: T) => Action | undefined): Action | undefined {
  return items.map(find).find((found) => found !== undefined);
}

function nextSuspension({ own, unknown }: Standing): Action | undefined {
  const block = own.blocks.find((each) => unknown.has(nameOf(each)));
  return block && { kind: 'suspend', block };
}

/** Only while nobody leases from the block: its host cannot confirm it at the same time, for both write the same key. */
function nextMark(standing: Standing): Action | undefined {
  const strays = straysOf(standing).filter(
    ({ block, text }) => block !== undefined && isMarkable(block, text),
  );
  const block = strays.find((stray) => stray.block?.node !== standing.node)?.block;
  if (block === undefined) return undefined;
  const addresses = strays.filter((stray) => stray.block === block).map(({ address }) => address);
  return { kind: 'mark', block, addresses };
}

function isMarkable(block: StoredBlock, text: string): boolean {
  return block.state === 'pending' && isWritable(block) && !block.loans.has(text);
}

function nextConfirmation({ own, prepared }: Standing): Action | undefined {
  const block = own.blocks.find((each) => each.state === 'pending' && prepared.has(nameOf(each)));
  return block && { kind: 'confirm', block };
}

/** Etcd may have lost what this host had: it is claimed again where nobody else has it. */
function nextReclaim(standing: Standing): Action | undefined {
  return nextRemembered(standing) ?? nextLeased(standing);
}

function nextRemembered({ table, memory, leased, underlay }: Standing): Action | undefined {
  // Most are there still, and to go through all blocks takes its time.
  const gone = [...memory.blocks.values()].filter((each) => !table.blocks.has(nameOf(each)));
  if (gone.length === 0) return undefined;
  const taken = [...takenOf(table), ...underlay];
  const block = gone.find(
    ({ cidr, loans }) =>
      isFree(cidr, taken) &&
      poolOf(table, cidr) !== undefined &&
      (loans.size > 0 || leased.values().some((address) => cidrContains(cidr, address))),
  );
  return block && { kind: 'claim', cidr: block.cidr, loans: block.loans };
}

/** Also after a start, when nothing is remembered. What was borrowed comes back with its lender's block. */
function nextLeased(standing: Standing): Action | undefined {
  const lost = straysOf(standing).filter(
    ({ block, text }) => block === undefined && !standing.memory.lent.has(text),
  );
  if (lost.length === 0) return undefined;
  const taken = [...takenOf(standing.table), ...standing.underlay];
  const cidr = lost
    .map(({ address, pool }) => networkOf({ address, prefixLength: pool.blockLength }))
    .find((each) => isFree(each, taken));
  return cidr && { kind: 'claim', cidr, loans: new Map() };
}

/** Takes what is missing, so that `spare` addresses of the family are free. */
function nextOf(family: Family, standing: Standing): Action | undefined {
  const { own, settings, mayTake, underlay } = standing;
  const missing = settings.spare - standing.free[family];
  if (missing <= 0) return nextUnwanted(family, standing);
  const isComing = own.blocks.some(
    ({ state, cidr }) => state === 'pending' && cidr.address.family === family && !isIn(underlay, cidr),
  );
  if (isComing || !mayTake) return undefined;
  return nextClaim(family, standing) ?? nextWish(family, missing, standing);
}

function nextClaim(family: Family, { table, node, underlay }: Standing): Action | undefined {
  const taken = [...takenOf(table), ...underlay];
  for (const pool of enabledPools(family, table)) {
    const cidr = nextFreeBlock(pool, taken, node);
    if (cidr !== undefined) return { kind: 'claim', cidr, loans: new Map() };
  }
  return undefined;
}

function enabledPools(family: Family, { pools }: Standing['table']) {
  return [...pools.values()]
    .filter(({ cidr, isDisabled }) => cidr.address.family === family && !isDisabled)
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

/** One host is asked at a time: whichever has most. */
function nextWish(family: Family, count: number, standing: Standing): Action | undefined {
  const { table } = standing;
  if (wishesOf(family, standing).some(({ node }) => table.alive.has(node))) return undefined;
  const [best] = table.blocks
    .values()
    .filter((block) => block.cidr.address.family === family && isWorthAsking(block, standing))
    .toArray()
    .toSorted((one, other) => leftOf(other) - leftOf(one));
  return best && { kind: 'want', block: best, count };
}

function isWorthAsking(block: StoredBlock, { node, table, asked, nowMs, underlay }: Standing): boolean {
  const askedAt = asked.get(block.node);
  return (
    block.node !== node &&
    block.state === 'confirmed' &&
    isWritable(block) &&
    !isIn(underlay, block.cidr) &&
    table.alive.has(block.node) &&
    (askedAt === undefined || nowMs - askedAt >= askAgainMs) &&
    leftOf(block) > 0 &&
    poolOf(table, block.cidr)?.isDisabled === false
  );
}

/** How many of a block's addresses are free, as far as its host has told. */
function leftOf({ cidr, used, loans }: StoredBlock): number {
  return sizeOf(cidr) - used - loans.size;
}

function nextUnwanted(family: Family, standing: Standing): Action | undefined {
  const [block] = wishesOf(family, standing);
  return block && { kind: 'unwant', block };
}

/** Blocks of which this host has asked for addresses. */
export function wishesOf(family: Family, { table, node }: Standing): readonly StoredBlock[] {
  return [...table.blocks.values()].filter(
    (block) => block.cidr.address.family === family && block.wanted.has(node) && isWritable(block),
  );
}
