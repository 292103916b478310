import { identifyOwnNetns } from './netns.ts';

/**
 * Tells whether this thread is in the network namespace in which it was when this was called. What is kept from one call to
 * the next is of that one alone: it lives as long as the process, where numbers of others are used again, and an open
 * socket would keep a container's alive.
 */
export function rememberHome(): () => boolean {
  const home = identifyOwnNetns();
  return () => {
    const here = identifyOwnNetns();
    return here.inode === home.inode && here.device === home.device;
  };
}
