import { closeSync } from 'node:fs';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { loadLibc, readInt32 } from '../exec/libc.ts';
import { socketLevel, socketOption, toTimeval } from '../exec/socket-options.ts';

/** The functions of libc that serve calls: Node's own sockets would need its event loop, which a call does not leave free. */
type Libc = {
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly bind: (fd: number, address: Buffer, length: number) => number;
  readonly listen: (fd: number, backlog: number) => number;
  readonly shutdown: (fd: number, how: number) => number;
  readonly accept4: (fd: number, address: bigint, length: bigint, flags: number) => number;
  readonly getsockopt: (fd: number, level: number, option: number, value: Buffer, length: Buffer) => number;
  readonly setsockopt: (fd: number, level: number, option: number, value: Buffer, length: number) => number;
  readonly recv: (fd: number, into: Buffer, length: bigint, flags: number) => bigint;
  readonly fcntl: (fd: number, command: number, argument: Buffer) => number;
  readonly ioctl: (fd: number, request: bigint, argument: Buffer) => number;
  readonly signal: (number: number, handler: bigint) => bigint;
  readonly __errno_location: () => bigint;
};

const signatures = {
  socket: { return: 'i32', arguments: ['i32', 'i32', 'i32'] },
  bind: { return: 'i32', arguments: ['i32', 'buffer', 'u32'] },
  listen: { return: 'i32', arguments: ['i32', 'i32'] },
  shutdown: { return: 'i32', arguments: ['i32', 'i32'] },
  accept4: { return: 'i32', arguments: ['i32', 'pointer', 'pointer', 'i32'] },
  getsockopt: { return: 'i32', arguments: ['i32', 'i32', 'i32', 'buffer', 'buffer'] },
  setsockopt: { return: 'i32', arguments: ['i32', 'i32', 'i32', 'buffer', 'u32'] },
  recv: { return: 'i64', arguments: ['i32', 'buffer', 'u64', 'i32'] },
  fcntl: { return: 'i32', arguments: ['i32', 'i32', 'buffer'] },
  ioctl: { return: 'i32', arguments: ['i32', 'u64', 'buffer'] },
  signal: { return: 'pointer', arguments: ['i32', 'pointer'] },
  __errno_location: { return: 'pointer', arguments: [] },
};

const unixFamily = 1;
/** SOCK_STREAM with SOCK_CLOEXEC. */
const streamType = 1 | 0x80000;
const closeOnExec = 0x80000;
const shutReadAndWrite = 2;
/** MSG_PEEK and MSG_DONTWAIT. */
const peekWithoutWaiting = 0x2 | 0x40;
/** FIONBIO of asm-generic/ioctls.h. */
const setNonBlocking = 0x5421n;
/** F_OFD_SETLK, and the kinds of `struct flock`. */
const setLockOfFile = 37;
const lockKind = { write: 1, unlock: 2 } as const;
const ignored = 1n;

/** A process that has connected, and its user. */
export type Peer = { readonly pid: number; readonly user: number };

/** The system calls of who serves calls. */
export type Calls = {
  /** A stream socket that listens at a path. @throws CniError code 5 */
  readonly listenAt: (path: string, backlog: number) => number;
  /** Has all who wait for a connection come back without one, and all who connect be refused. */
  readonly endListening: (fd: number) => void;
  /** The next connection; or, negative, the error number because of which there is none. */
  readonly accept: (fd: number) => number;
  /** Who is at the other end; undefined where it cannot be told. */
  readonly peer: (fd: number) => Peer | undefined;
  /** Whether the other end has been closed, though what it has sent may not be read yet. */
  readonly hasGone: (fd: number) => boolean;
  /** How long a socket is waited for, in milliseconds. */
  readonly limitWaiting: (fd: number, ms: number) => void;
  /** Locks one byte of a file, unless another has it. @returns whether it is locked now */
  readonly tryLock: (fd: number, offset: bigint) => boolean;
  readonly unlock: (fd: number, offset: bigint) => void;
  readonly ignoreSignal: (number: number) => void;
  /** Has nobody wait who writes to a pipe that is full. */
  readonly setNonBlocking: (fd: number) => void;
};

/** Looked up when there are calls to be served. */
export function loadCalls(): Calls {
  const libc = loadLibc<Libc>(signatures);
  const setTime = (fd: number, which: number, value: Buffer) =>
    libc.setsockopt(fd, socketLevel, which, value, value.length);
  return {
    listenAt: (path, backlog) => listenAt(path, backlog, libc),
    endListening: (fd) => {
      libc.shutdown(fd, shutReadAndWrite);
    },
    accept: (fd) => {
      const connection = libc.accept4(fd, 0n, 0n, closeOnExec);
      return connection >= 0 ? connection : -readInt32(libc.__errno_location());
    },
    peer: (fd) => peerOf(fd, libc),
    hasGone: (fd) => libc.recv(fd, Buffer.alloc(1), 1n, peekWithoutWaiting) === 0n,
    limitWaiting: (fd, ms) => {
      const time = toTimeval(ms);
      setTime(fd, socketOption.receiveTimeout, time);
      setTime(fd, socketOption.sendTimeout, time);
    },
    tryLock: (fd, offset) => libc.fcntl(fd, setLockOfFile, toLock(lockKind.write, offset)) === 0,
    unlock: (fd, offset) => {
      libc.fcntl(fd, setLockOfFile, toLock(lockKind.unlock, offset));
    },
    setNonBlocking: (fd) => {
      libc.ioctl(fd, setNonBlocking, Buffer.from([1, 0, 0, 0]));
    },
    ignoreSignal: (number) => {
      libc.signal(number, ignored);
    },
  };
}

function listenAt(path: string, backlog: number, libc: Libc): number {
  const address = toAddress(path);
  const fd = libc.socket(unixFamily, streamType, 0);
  const failed = fd < 0 || libc.bind(fd, address, address.length) !== 0 || libc.listen(fd, backlog) !== 0;
  if (!failed) return fd;
  const reason = readInt32(libc.__errno_location());
  if (fd >= 0) closeSync(fd);
  throw new CniError(ErrorCode.ioFailure, `listening at ${path}: error ${reason} (see errno(3))`);
}

/** `struct sockaddr_un`: the family, and the path with a closing zero. */
function toAddress(path: string): Buffer {
  return Buffer.concat([Buffer.from([unixFamily, 0]), Buffer.from(`${path}\0`)]);
}

/** `struct ucred`: process, user, group. */
function peerOf(fd: number, libc: Libc): Peer | undefined {
  const credentials = Buffer.alloc(12);
  const length = Buffer.from([credentials.length, 0, 0, 0]);
  const status = libc.getsockopt(fd, socketLevel, socketOption.peerCredentials, credentials, length);
  return status === 0 ? { pid: credentials.readUInt32LE(0), user: credentials.readUInt32LE(4) } : undefined;
}

/** `struct flock` of a 64-bit system: kind and whence of 16 bits, start and length of 64, a process that must be 0. */
function toLock(kind: number, offset: bigint): Buffer {
  const lock = Buffer.alloc(32);
  lock.writeInt16LE(kind, 0);
  lock.writeBigInt64LE(offset, 8);
  lock.writeBigInt64LE(1n, 16);
  return lock;
}
