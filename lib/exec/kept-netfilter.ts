import { rememberHome } from './home-netns.ts';
import { openNetfilter } from './netfilter-socket.ts';
import type { NetlinkSocket } from './netlink-socket.ts';

/** Begins a conversation with netfilter, as `openNetfilter` does. */
export type OpenNetfilter = typeof openNetfilter;

/**
 * Begins conversations over one socket that stays open, in the namespace in which this is called: whoever closes a socket
 * to netfilter, whatever it was for, waits until all that nftables has deleted in its namespace is gone for good (14 ms).
 */
export function keepNetfilter(): OpenNetfilter {
  const isHome = rememberHome();
  let kept: NetlinkSocket | undefined;
  const giveUp = () => {
    kept?.[Symbol.dispose]();
    kept = undefined;
  };
  return (limitMs) => {
    if (limitMs !== undefined || !isHome()) return openNetfilter(limitMs);
    kept ??= openNetfilter();
    kept?.renew();
    return kept === undefined ? undefined : lent(kept, giveUp);
  };
}

/** The same socket for one conversation. After one that was broken off, answers may still come. */
function lent(socket: NetlinkSocket, giveUp: () => void): NetlinkSocket {
  return {
    ...socket,
    ask: (requests, hear) => {
      try {
        return socket.ask(requests, hear);
      } catch (error) {
        giveUp();
        throw error;
      }
    },
    [Symbol.dispose]: () => undefined,
  };
}
