import { write } from 'node:fs';
import type { IfName } from '../net/ifname.ts';
import { decodeMessages, encodeMessage, endOf } from '../netlink/message.ts';
import { deleteLink } from '../rtnetlink/link.ts';
import type { Detached } from './command.ts';
import { type NetlinkCalls, netlinkCalls } from './netlink-calls.ts';
import { netlinkProtocol } from './netlink-socket.ts';

/**
 * Begins to remove a link of this thread's network namespace.
 *
 * The kernel keeps the sender of this message waiting for 10 to 40 ms after the link is out of sight, so a thread of
 * Node's pool sends it; the namespace is the socket's, wherever that thread is. Neither asking for the end nor the
 * return to the event loop is needed for the other to close the socket.
 * @returns undefined where there is no such link, or no socket to be had
 */
export function startLinkRemoval(name: IfName): Pick<Detached, 'hasEnded'> | undefined {
  const libc = netlinkCalls();
  const index = libc.indexOf(name);
  const fd = index === 0 ? -1 : libc.socket(netlinkProtocol.rtnetlink);
  if (fd < 0) return undefined;
  const removal = new Removal(fd, libc);
  write(fd, encodeMessage({ ...deleteLink(index), sequence: 1 }), () => removal.end());
  return removal;
}

/** A removal under way, whose socket is open until the kernel has acknowledged it. */
class Removal {
  readonly #fd: number;
  readonly #libc: NetlinkCalls;
  #hasEnded = false;

  constructor(fd: number, libc: NetlinkCalls) {
    this.#fd = fd;
    this.#libc = libc;
  }

  hasEnded(): boolean {
    if (!this.#hasEnded && this.#isAcknowledged()) this.end();
    return this.#hasEnded;
  }

  /** Closes the socket once: its number may be another file's afterwards. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#libc.close(this.#fd);
  }

  #isAcknowledged(): boolean {
    const { tryReceive, receiveBuffer } = this.#libc;
    const length = tryReceive(this.#fd, receiveBuffer);
    if (length <= 0) return false;
    return decodeMessages(receiveBuffer.subarray(0, length)).some((message) => endOf(message) !== undefined);
  }
}
