import { formatAddress, type IpAddress } from '../../net/address.ts';
import { asHost, type Cidr } from '../../net/cidr.ts';
import { hasAddress } from '../share/share.ts';
import { nameOf } from '../table/block-name.ts';
import { addressAt, sizeOf } from '../table/block-size.ts';
import type { StoredBlock } from '../table/overlap.ts';
import { type Borrowed, poolOf } from '../table/own.ts';
import type { Action } from './action.ts';
import { type Standing, usedOf } from './standing.ts';
import { isIn } from './underlay.ts';

/** What this host gives to others: what they ask for, and then what it can do without. */
export function nextGift(standing: Standing): Action | undefined {
  return nextLoan(standing) ?? nextReturn(standing) ?? nextWithdrawal(standing);
}

/** What could be given back at this moment, by block's name and by borrowed address's text; it is when that lasts. */
export function dispensable(standing: Standing): readonly string[] {
  const { own } = standing;
  return [
    ...own.borrowed.filter((each) => isUnused(each, standing)).map(({ address }) => formatAddress(address)),
    ...own.blocks.filter((block) => isDispensable(block, standing)).map(nameOf),
  ];
}

function isUnused({ address }: Borrowed, standing: Standing): boolean {
  return !standing.leased.has(formatAddress(address)) && isLeftOver(asHost(address), 0, standing);
}

/** More than what is spare must be left over beside so many addresses, unless nobody leases them anyway. */
function isLeftOver(cidr: Cidr, size: number, standing: Standing): boolean {
  const { free, settings } = standing;
  return isIdle(cidr, standing) || free[cidr.address.family] > settings.spare + size;
}

/** Of a disabled pool, and of what hosts are reached by, nobody leases. */
function isIdle(cidr: Cidr, { table, underlay }: Standing): boolean {
  return poolOf(table, cidr)?.isDisabled === true || isIn(underlay, cidr);
}

/** One of which the next container's ADD would make another be taken is none. */
function isDispensable(block: StoredBlock, standing: Standing): boolean {
  const { cidr, state, loans, wanted } = block;
  return (
    state === 'confirmed' &&
    loans.size === 0 &&
    wanted.size === 0 &&
    isLeftOver(cidr, sizeOf(cidr), standing) &&
    usedOf(block, standing) === 0
  );
}

/** A host that is gone, or that asks for what is not to be had, is answered as well: it asks elsewhere then. */
function nextLoan(standing: Standing): Action | undefined {
  const { own, table } = standing;
  const block = own.blocks.find(({ state, wanted }) => state === 'confirmed' && wanted.size > 0);
  const [wish] = block?.wanted ?? [];
  if (block === undefined || wish === undefined) return undefined;
  const [to, count] = wish;
  const isLent =
    to !== standing.node && table.alive.has(to) && poolOf(table, block.cidr)?.isDisabled === false;
  return { kind: 'lend', block, to, addresses: isLent ? lendable(block, count, standing) : [] };
}

/** From the end of the block, so that what is left is in one piece; never what this host keeps for itself. */
function lendable(block: StoredBlock, count: number, standing: Standing): readonly IpAddress[] {
  const { cidr } = block;
  const { ranges, leased, settings } = standing;
  const most = Math.min(count, standing.free[cidr.address.family] - settings.spare);
  const addresses: IpAddress[] = [];
  for (let number = sizeOf(cidr) - 1; number >= 0 && addresses.length < most; number--) {
    const address = addressAt(cidr, number);
    const isOurs = hasAddress({ ranges }, address);
    if (isOurs && !leased.has(formatAddress(address))) addresses.push(address);
  }
  return addresses;
}

function nextReturn(standing: Standing): Action | undefined {
  const { own, settings } = standing;
  const idle = own.borrowed.filter(
    (each) => isUnused(each, standing) && hasBeenIdle(formatAddress(each.address), standing),
  );
  const [first] = idle;
  if (first === undefined) return undefined;
  const isNone = isIdle(asHost(first.address), standing);
  const most = isNone ? idle.length : standing.free[first.address.family] - settings.spare;
  const addresses = idle
    .filter(({ block }) => nameOf(block) === nameOf(first.block))
    .map(({ address }) => address)
    .slice(0, most);
  return { kind: 'return', block: first.block, addresses };
}

function nextWithdrawal(standing: Standing): Action | undefined {
  const block = standing.own.blocks.find(
    (each) => isDispensable(each, standing) && hasBeenIdle(nameOf(each), standing),
  );
  return block && { kind: 'withdraw', block };
}

function hasBeenIdle(what: string, { idle, nowMs, settings }: Standing): boolean {
  const since = idle.get(what);
  return since !== undefined && nowMs - since >= settings.releaseAfterMs;
}
