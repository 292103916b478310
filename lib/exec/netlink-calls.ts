import { toTerminated } from '../netlink/values.ts';
import { loadLibc, readInt32 } from './libc.ts';
import { socketLevel, socketOption, toTimeval } from './socket-options.ts';

/** AF_NETLINK; SOCK_RAW and SOCK_CLOEXEC. */
const netlinkFamily = 16;
const socketType = 3 | 0x80000;
/** Above the 32 KiB that the kernel puts into one datagram of a dump. */
const receiveBytes = 64 * 1024;
/** MSG_DONTWAIT. */
const withoutWaiting = 0x40;

/** The calls of libc that a conversation needs. */
export type NetlinkCalls = {
  /** A file descriptor, or below 0. */
  readonly socket: (protocol: number) => number;
  readonly setReceiveTimeout: (fd: number, limitMs: number) => void;
  readonly send: (fd: number, bytes: Buffer) => number;
  readonly receive: (fd: number, into: Buffer) => number;
  /** The same, which fails where nothing is there yet. */
  readonly tryReceive: (fd: number, into: Buffer) => number;
  readonly close: (fd: number) => number;
  /** Number of an interface of this thread's namespace; 0 where there is none of that name. */
  readonly indexOf: (name: string) => number;
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
  readonly if_nametoindex: (name: Buffer) => number;
  readonly __errno_location: () => bigint;
};

const signatures = {
  socket: { return: 'i32', arguments: ['i32', 'i32', 'i32'] },
  setsockopt: { return: 'i32', arguments: ['i32', 'i32', 'i32', 'buffer', 'u32'] },
  send: { return: 'i64', arguments: ['i32', 'buffer', 'u64', 'i32'] },
  recv: { return: 'i64', arguments: ['i32', 'buffer', 'u64', 'i32'] },
  close: { return: 'i32', arguments: ['i32'] },
  if_nametoindex: { return: 'u32', arguments: ['buffer'] },
  __errno_location: { return: 'pointer', arguments: [] },
};

let loaded: NetlinkCalls | undefined;

/** Looked up where they are first needed: most calls of the executables have nothing to ask by netlink. */
export function netlinkCalls(): NetlinkCalls {
  loaded ??= loadCalls();
  return loaded;
}

function loadCalls(): NetlinkCalls {
  const symbols = loadLibc<Symbols>(signatures);
  return {
    socket: (protocol) => symbols.socket(netlinkFamily, socketType, protocol),
    setReceiveTimeout: (fd, limitMs) => {
      const time = toTimeval(limitMs);
      symbols.setsockopt(fd, socketLevel, socketOption.receiveTimeout, time, time.length);
    },
    send: (fd, bytes) => Number(symbols.send(fd, bytes, BigInt(bytes.length), 0)),
    receive: (fd, into) => Number(symbols.recv(fd, into, BigInt(into.length), 0)),
    tryReceive: (fd, into) => Number(symbols.recv(fd, into, BigInt(into.length), withoutWaiting)),
    close: symbols.close,
    indexOf: (name) => symbols.if_nametoindex(toTerminated(name)),
    errno: () => readInt32(symbols.__errno_location()),
    receiveBuffer: Buffer.alloc(receiveBytes),
  };
}
