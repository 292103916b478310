import { readFileSync } from 'node:fs';
import { CniError, ErrorCode, inContext } from '../errors/cni-error.ts';
import { ifExists } from '../errors/system-error.ts';
import type { NetlinkRequest } from '../netlink/message.ts';
import type { Flow } from '../plan/flow.ts';
import {
  allEntriesRequest,
  type ConntrackEntry,
  deleteRequest,
  entriesRequest,
  matchingEntry,
} from './conntrack-message.ts';
import { describeErrno, errno } from './errno.ts';
import type { OpenNetfilter } from './kept-netfilter.ts';
import { openNetfilter } from './netfilter-socket.ts';
import type { NetlinkSocket } from './netlink-socket.ts';

/**
 * Up to so many entries, to be sent all of them takes less time than to have the kernel walk its whole hash table once
 * more (12 ms, however empty it is).
 */
const fewEntries = 4_000;

/** Deletions before their acknowledgements are read, which a socket's buffer must hold (about 250 by default). */
const deletionsAtOnce = 64;

/**
 * Makes the kernel forget connections, in this thread's network namespace: what their senders send next is looked up
 * in the rules anew. A UDP sender would otherwise go on with the address translation that its first packet met.
 * Nothing happens where nothing is tracked.
 * @throws CniError code 11 when the kernel does not answer within the time
 */
export function forgetFlows(
  flows: readonly Flow[],
  limitMs?: number,
  open: OpenNetfilter = openNetfilter,
): void {
  if (flows.length === 0) return;
  const count = countEntries();
  if (count === 0) return;
  inContext('forgetting the connections of changed port maps', () => {
    using socket = open(limitMs);
    if (socket === undefined) return;
    for (const group of count <= fewEntries ? [flows] : byFamily(flows)) forget(group, socket);
  });
}

/** The file shows the namespace of this thread; where it is absent, only netlink can tell. */
function countEntries(): number {
  const count = ifExists(() => readFileSync('/proc/sys/net/netfilter/nf_conntrack_count', 'utf8'));
  return count === undefined ? Number.POSITIVE_INFINITY : Number(count);
}

/** The kernel narrows within a family alone. */
function byFamily(flows: readonly Flow[]): readonly (readonly Flow[])[] {
  return [...Map.groupBy(flows, ({ family }) => family).values()];
}

function forget(flows: readonly Flow[], socket: NetlinkSocket): void {
  const deletions = findEntries(flows, socket).map(deleteRequest);
  for (let from = 0; from < deletions.length; from += deletionsAtOnce) {
    for (const end of socket.ask(deletions.slice(from, from + deletionsAtOnce))) throwUnlessGone(end);
  }
}

/** A kernel without connection tracking refuses as one does that cannot narrow: so the second refusal is believed. */
function findEntries(flows: readonly Flow[], socket: NetlinkSocket): readonly ConntrackEntry[] {
  return (
    askEntries(entriesRequest(flows), flows, socket) ??
    askEntries(allEntriesRequest(flows), flows, socket) ??
    []
  );
}

/** Undefined where the kernel does not take the request. */
function askEntries(
  request: NetlinkRequest,
  flows: readonly Flow[],
  socket: NetlinkSocket,
): readonly ConntrackEntry[] | undefined {
  const entries: ConntrackEntry[] = [];
  const [end = 0] = socket.ask([request], (answer) => {
    const entry = matchingEntry(answer, flows);
    if (entry !== undefined) entries.push(entry);
  });
  if (end === errno.invalid || end === errno.notSupported) return undefined;
  throwUnlessGone(end);
  return entries;
}

/** A connection that ended by itself meanwhile is what was wanted. */
function throwUnlessGone(end: number): void {
  if (end === 0 || end === errno.absent) return;
  throw new CniError(ErrorCode.internal, `connection tracking: ${describeErrno(end)}`);
}
