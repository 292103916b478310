import { type NetlinkSocket, openNetlink } from './netlink-socket.ts';

const usualLimitMs = 5_000;

/**
 * Opens a conversation with netfilter; undefined where the kernel has no such protocol.
 * @param limitMs how long it may take
 * @throws CniError
 */
export function openNetfilter(limitMs = usualLimitMs): NetlinkSocket | undefined {
  return openNetlink('netfilter', limitMs);
}
