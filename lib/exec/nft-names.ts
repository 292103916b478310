import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { encodeAttribute, findAttribute, type NetlinkRequest, netlinkFlag } from '../netlink/message.ts';
import { decodeNetfilter, netfilterRequest } from '../netlink/netfilter.ts';
import { toTerminated } from '../netlink/values.ts';
import { describeErrno, errno } from './errno.ts';
import type { OpenNetfilter } from './kept-netfilter.ts';
import { openNetfilter } from './netfilter-socket.ts';
import type { NetlinkSocket } from './netlink-socket.ts';

/** A family of nftables that has tables of iptables or of bridges. */
export type NftFamily = 'inet' | 'ip' | 'ip6' | 'bridge';

/** A table of any program's. */
export type ForeignTable = { readonly family: NftFamily; readonly table: string };

/** A chain of any program's. */
export type ForeignChain = ForeignTable & { readonly chain: string };

/** NFPROTO_… of linux/netfilter.h. */
const familyNumber: Readonly<Record<NftFamily, number>> = { inet: 1, ip: 2, bridge: 7, ip6: 10 };
const everyFamily = 0;
/** Commands and attributes of linux/netfilter/nf_tables.h. */
const command = { getTable: 1, getChain: 4 } as const;
const tableNameAttribute = 1;
const chainAttribute = { table: 1, name: 3 } as const;

/**
 * Which of the tables this thread's network namespace has. Asked by netlink: a process of nft costs 3 ms, this well
 * under one, and a DEL asks it of hosts where the answer is nearly always none.
 * @throws CniError
 */
export function findNftTables<T extends ForeignTable>(
  wanted: readonly T[],
  open: OpenNetfilter = openNetfilter,
): readonly T[] {
  const there = new Set<string>();
  const request = netfilterRequest('nftables', command.getTable, {
    flags: netlinkFlag.dump,
    family: everyFamily,
    attributes: [],
  });
  converse((socket) => {
    const [end = 0] = socket.ask([request], (answer) => {
      const { family, attributes } = decodeNetfilter(answer);
      there.add(`${family} ${toName(findAttribute(attributes, tableNameAttribute))}`);
    });
    throwUnlessAbsent(end);
  }, open);
  return wanted.filter(({ family, table }) => there.has(`${familyNumber[family]} ${table}`));
}

/**
 * Which of the chains this thread's network namespace has; however many others there are makes no difference. One request
 * at a time: of several that are sent at once, netfilter answers only the first to whom it does not permit any.
 * @throws CniError
 */
export function findNftChains<T extends ForeignChain>(
  wanted: readonly T[],
  open: OpenNetfilter = openNetfilter,
): readonly T[] {
  if (wanted.length === 0) return [];
  return converse((socket) => wanted.filter((each) => hasChain(each, socket)), open) ?? [];
}

function hasChain(wanted: ForeignChain, socket: NetlinkSocket): boolean {
  const [end = 0] = socket.ask([chainRequest(wanted)]);
  throwUnlessAbsent(end);
  return end === 0;
}

function chainRequest({ family, table, chain }: ForeignChain): NetlinkRequest {
  return netfilterRequest('nftables', command.getChain, {
    flags: netlinkFlag.ack,
    family: familyNumber[family],
    attributes: [
      encodeAttribute(chainAttribute.table, toTerminated(table)),
      encodeAttribute(chainAttribute.name, toTerminated(chain)),
    ],
  });
}

function converse<T>(work: (socket: NetlinkSocket) => T, open: OpenNetfilter): T | undefined {
  using socket = open();
  return socket === undefined ? undefined : work(socket);
}

/** Text ends with a zero. */
function toName(bytes: Buffer | undefined): string {
  return bytes?.toString('utf8', 0, bytes.length - 1) ?? '';
}

/** A kernel without nftables takes the request for invalid. */
function throwUnlessAbsent(end: number): void {
  if (end === 0 || end === errno.absent || end === errno.invalid || end === errno.notSupported) return;
  throw new CniError(ErrorCode.internal, `asking nftables for its tables and chains: ${describeErrno(end)}`);
}
