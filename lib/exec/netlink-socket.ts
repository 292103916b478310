import { CniError, ErrorCode } from '../errors/cni-error.ts';
import {
  decodeMessages,
  encodeMessage,
  endOf,
  type NetlinkMessage,
  type NetlinkRequest,
} from '../netlink/message.ts';
import { errno } from './errno.ts';
import { type NetlinkCalls, netlinkCalls } from './netlink-calls.ts';

/** The parts of the kernel that netlink leads to, by their numbers in linux/netlink.h. */
export const netlinkProtocol = { rtnetlink: 0, netfilter: 12 } as const;

/** Whom a conversation is with. */
export type NetlinkProtocol = keyof typeof netlinkProtocol;

/** A conversation with the kernel about the network namespace in which it was begun. */
export type NetlinkSocket = Disposable & {
  /**
   * Sends requests, each of which must ask for an acknowledgement or a dump, and waits until all have ended.
   * @param hear is given each answer; its memory is used again for the next
   * @returns the error number with which each request ended, 0 after success
   * @throws CniError code 11 when the kernel does not answer within the time
   */
  readonly ask: (
    requests: readonly NetlinkRequest[],
    hear?: (answer: NetlinkMessage) => void,
  ) => readonly number[];
  /** Gives the conversation its time anew, where it is kept open for more than one. */
  readonly renew: () => void;
};

/**
 * Opens a socket through `node:ffi`; the system calls are this thread's, so they see its namespace. Undefined where the
 * kernel has no such protocol.
 * @param limitMs how long the conversation may take; anew with each call of `renew`
 * @throws CniError
 */
export function openNetlink(protocol: NetlinkProtocol, limitMs: number): NetlinkSocket | undefined {
  const libc = netlinkCalls();
  const fd = libc.socket(netlinkProtocol[protocol]);
  if (fd >= 0) return toSocket({ protocol, fd, libc }, limitMs);
  const reason = libc.errno();
  if (reason === errno.protocolUnsupported || reason === errno.familyUnsupported) return undefined;
  throw new CniError(ErrorCode.internal, `opening a netlink socket: error ${reason}`);
}

/** An open socket. */
type Line = { readonly protocol: NetlinkProtocol; readonly fd: number; readonly libc: NetlinkCalls };

function toSocket(line: Line, limitMs: number): NetlinkSocket {
  const { fd, libc } = line;
  let deadline = performance.now() + limitMs;
  // A timeout of nothing would be none at all.
  libc.setReceiveTimeout(fd, Math.max(1, limitMs));
  let sequence = 0;
  return {
    ask: (requests, hear) => {
      const first = sequence + 1;
      sequence += requests.length;
      const messages = requests.map((request, index) => ({ ...request, sequence: first + index }));
      send(line, Buffer.concat(messages.map(encodeMessage)));
      return receiveEnds({ first, count: requests.length, receive: () => receive(line, deadline), hear });
    },
    renew: () => {
      deadline = performance.now() + limitMs;
    },
    [Symbol.dispose]: () => {
      libc.close(fd);
    },
  };
}

type Awaited = {
  /** The sequence number of the first request. */
  readonly first: number;
  readonly count: number;
  readonly receive: () => readonly NetlinkMessage[];
  readonly hear: ((answer: NetlinkMessage) => void) | undefined;
};

function receiveEnds({ first, count, receive, hear }: Awaited): readonly number[] {
  const ends = new Map<number, number>();
  const take = (message: NetlinkMessage) => {
    const index = message.sequence - first;
    // An answer to an earlier conversation's request.
    if (index < 0 || index >= count) return;
    const end = endOf(message);
    if (end === undefined) hear?.(message);
    else ends.set(index, end);
  };
  while (ends.size < count) receive().forEach(take);
  return Array.from({ length: count }, (_, index) => ends.get(index) ?? 0);
}

function send({ protocol, fd, libc }: Line, bytes: Buffer): void {
  if (libc.send(fd, bytes) === bytes.length) return;
  throw new CniError(
    ErrorCode.internal,
    `sending ${bytes.length} bytes to ${protocol}: error ${libc.errno()}`,
  );
}

function receive({ protocol, fd, libc }: Line, deadline: number): readonly NetlinkMessage[] {
  const buffer = libc.receiveBuffer;
  const length = libc.receive(fd, buffer);
  const reason = length < 0 ? libc.errno() : 0;
  if (reason === errno.interrupted) return [];
  if (performance.now() > deadline || reason === errno.tryAgain) {
    throw new CniError(ErrorCode.tryAgainLater, `${protocol} has not answered in time; try again`);
  }
  if (length >= 0) return decodeMessages(buffer.subarray(0, length));
  throw new CniError(ErrorCode.internal, `receiving from ${protocol}: error ${reason}`);
}
