import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { loadLibc, readInt32 } from './libc.ts';
import {
  decodeMessages,
  encodeMessage,
  endOf,
  type NetfilterRequest,
  type NetlinkMessage,
} from './netlink.ts';

/** Error numbers of linux/errno.h that say something other than that it did not work. */
export const errno = {
  permission: 1,
  absent: 2,
  tryAgain: 11,
  invalid: 22,
  protocolUnsupported: 93,
  notSupported: 95,
  familyUnsupported: 97,
} as const;

/** An error number with which a request ended, in words. */
export function describeErrno(number: number): string {
  return number === errno.permission ? 'not permitted: run with CAP_NET_ADMIN' : `error ${number}`;
}

/** A conversation with netfilter in the network namespace in which it was begun. */
export type NetfilterSocket = Disposable & {
  /**
   * Sends requests, each of which must ask for an acknowledgement or a dump, and waits until all have ended.
   * @param hear is given each answer; its memory is used again for the next
   * @returns the error number with which each request ended, 0 after success
   * @throws CniError code 11 when the kernel does not answer within the time
   */
  readonly ask: (
    requests: readonly NetfilterRequest[],
    hear?: (answer: NetlinkMessage) => void,
  ) => readonly number[];
};

const netlinkFamily = 16;
const netfilterProtocol = 12;
/** SOCK_RAW and SOCK_CLOEXEC. */
const socketType = 3 | 0x80000;
const socketLevel = 1;
const receiveTimeoutOption = 20;
/** Above the 32 KiB that the kernel puts into one datagram of a dump. */
const receiveBytes = 64 * 1024;
const usualLimitMs = 5_000;

/**
 * Opens a socket to netfilter through `node:ffi`; the system calls are this thread's, so they see its namespace.
 * Undefined where the kernel has no such protocol.
 * @param limitMs how long the conversation may take
 * @throws CniError
 */
export function openNetfilter(limitMs = usualLimitMs): NetfilterSocket | undefined {
  const libc = loadCalls();
  const fd = libc.socket(netlinkFamily, socketType, netfilterProtocol);
  if (fd >= 0) return toSocket(fd, libc, limitMs);
  const reason = libc.errno();
  if (reason === errno.protocolUnsupported || reason === errno.familyUnsupported) return undefined;
  throw new CniError(ErrorCode.internal, `opening a netlink socket: error ${reason}`);
}

function toSocket(fd: number, libc: Libc, limitMs: number): NetfilterSocket {
  const deadline = performance.now() + limitMs;
  // A timeout of nothing would be none at all.
  libc.setReceiveTimeout(fd, Math.max(1, limitMs));
  let sequence = 0;
  return {
    ask: (requests, hear) => {
      const first = sequence + 1;
      sequence += requests.length;
      const messages = requests.map((request, index) => ({ ...request, sequence: first + index }));
      send(fd, Buffer.concat(messages.map(encodeMessage)), libc);
      return receiveEnds({ first, count: requests.length, receive: () => receive(fd, libc, deadline), hear });
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

function send(fd: number, bytes: Buffer, libc: Libc): void {
  if (libc.send(fd, bytes) === bytes.length) return;
  throw new CniError(ErrorCode.internal, `sending ${bytes.length} bytes to netfilter: error ${libc.errno()}`);
}

function receive(fd: number, libc: Libc, deadline: number): readonly NetlinkMessage[] {
  const buffer = libc.receiveBuffer;
  const length = libc.receive(fd, buffer);
  const reason = length < 0 ? libc.errno() : 0;
  if (performance.now() > deadline || reason === errno.tryAgain) {
    throw new CniError(ErrorCode.tryAgainLater, 'netfilter has not answered in time; try again');
  }
  if (length >= 0) return decodeMessages(buffer.subarray(0, length));
  throw new CniError(ErrorCode.internal, `receiving from netfilter: error ${reason}`);
}

/** The calls of libc that a conversation needs. */
type Libc = {
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly setReceiveTimeout: (fd: number, limitMs: number) => void;
  readonly send: (fd: number, bytes: Buffer) => number;
  readonly receive: (fd: number, into: Buffer) => number;
  readonly close: (fd: number) => number;
  /** Why the call before this one failed. */
  readonly errno: () => number;
  readonly receiveBuffer: Buffer;
};

/** The functions that those are made from. */
type Symbols = {
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly setsockopt: (fd: number, level: number, option: number, value: Buffer, length: number) => number;
  readonly send: (fd: number, bytes: Buffer, length: bigint, flags: number) => bigint;
  readonly recv: (fd: number, into: Buffer, length: bigint, flags: number) => bigint;
  readonly close: (fd: number) => number;
  readonly __errno_location: () => bigint;
};

const signatures = {
  socket: { return: 'i32', arguments: ['i32', 'i32', 'i32'] },
  setsockopt: { return: 'i32', arguments: ['i32', 'i32', 'i32', 'buffer', 'u32'] },
  send: { return: 'i64', arguments: ['i32', 'buffer', 'u64', 'i32'] },
  recv: { return: 'i64', arguments: ['i32', 'buffer', 'u64', 'i32'] },
  close: { return: 'i32', arguments: ['i32'] },
  __errno_location: { return: 'pointer', arguments: [] },
};

/** Looked up where it is first needed: most calls of the executables have nothing to ask of netfilter. */
function loadCalls(): Libc {
  const symbols = loadLibc<Symbols>(signatures);
  return {
    socket: symbols.socket,
    setReceiveTimeout: (fd, limitMs) => {
      const time = toTimeval(limitMs);
      symbols.setsockopt(fd, socketLevel, receiveTimeoutOption, time, time.length);
    },
    send: (fd, bytes) => Number(symbols.send(fd, bytes, BigInt(bytes.length), 0)),
    receive: (fd, into) => Number(symbols.recv(fd, into, BigInt(into.length), 0)),
    close: symbols.close,
    errno: () => readInt32(symbols.__errno_location()),
    receiveBuffer: Buffer.alloc(receiveBytes),
  };
}

/** `struct timeval` of a 64-bit system: seconds and microseconds. */
function toTimeval(limitMs: number): Buffer {
  const time = Buffer.alloc(16);
  time.writeBigInt64LE(BigInt(Math.trunc(limitMs / 1000)), 0);
  time.writeBigInt64LE(BigInt(Math.trunc((limitMs % 1000) * 1000)), 8);
  return time;
}
