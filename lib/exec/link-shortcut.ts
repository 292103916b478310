import { closeSync, openSync } from 'node:fs';
import type { IpOperation } from '../plan/operation.ts';
import { encodeOperation } from '../rtnetlink/encode.ts';
import type { Numbers } from '../rtnetlink/numbers.ts';
import { defaultTimeoutMs } from './command.ts';
import { netlinkCalls } from './netlink-calls.ts';
import { type NetlinkSocket, openNetlink } from './netlink-socket.ts';

/**
 * Carries out operations on links, addresses and routes in this thread's network namespace by rtnetlink, one after the
 * other: each may need the number of a link that the one before it has made.
 * @returns how many of the first are done; the next one is for `ip`, which does it or says why not
 */
export function carryOutLinks(operations: readonly IpOperation[]): number {
  let done = 0;
  try {
    using socket = openNetlink('rtnetlink', defaultTimeoutMs);
    if (socket === undefined) return 0;
    while (done < operations.length && carryOut(operations[done], socket)) done += 1;
  } catch {
    // A socket that could not be had, or no answer: `ip` meets the same and says so.
  }
  return done;
}

function carryOut(operation: IpOperation | undefined, socket: NetlinkSocket): boolean {
  if (operation === undefined) return false;
  using numbers = kernelNumbers();
  const request = encodeOperation(operation, numbers);
  return request !== undefined && socket.ask([request])[0] === 0;
}

/** Namespaces stay open until the message that names their descriptors has been taken. */
function kernelNumbers(): Numbers & Disposable {
  const opened: number[] = [];
  return {
    indexOf: (link) => netlinkCalls().indexOf(link) || undefined,
    netnsOf: (path) => {
      const fd = openNetns(path);
      if (fd !== undefined) opened.push(fd);
      return fd;
    },
    [Symbol.dispose]: () => {
      for (const fd of opened) closeSync(fd);
    },
  };
}

/** `ip` looks for a name that is no path in a directory of its own. */
function openNetns(path: string): number | undefined {
  if (!path.startsWith('/')) return undefined;
  try {
    return openSync(path, 'r');
  } catch {
    return undefined;
  }
}
