import type { IfName } from '../net/ifname.ts';
import { isRunning, linkRequest } from '../rtnetlink/running.ts';
import { defaultTimeoutMs } from './command.ts';
import type { Machine } from './machine.ts';
import { netlinkCalls } from './netlink-calls.ts';
import { type NetlinkSocket, openNetlink } from './netlink-socket.ts';

const pollMs = 0.2;
const patienceMs = 1_000;

/**
 * Waits until a link of this thread's network namespace carries packets. The kernel learns that the ends of a pair are
 * connected by work of its own, which may come milliseconds after the second one was set up; a bridge drops until then
 * what its port sends, and its sender tries again after a second. Linux 6.9 does that work when it is asked, an older one
 * has to be waited for. `ip` took longer to end than that takes.
 * @returns whether it does: not where its peer is down
 * @throws CniError
 */
export function awaitRunning(name: IfName, { sleep }: Pick<Machine, 'sleep'>): boolean {
  const index = netlinkCalls().indexOf(name);
  using socket = index === 0 ? undefined : openNetlink('rtnetlink', defaultTimeoutMs);
  if (socket === undefined) return false;
  const deadline = performance.now() + patienceMs;
  while (!askWhetherRunning(index, socket)) {
    if (performance.now() > deadline) return false;
    sleep(pollMs);
  }
  return true;
}

function askWhetherRunning(index: number, socket: NetlinkSocket): boolean {
  let found = false;
  socket.ask([linkRequest(index)], (answer) => {
    found = isRunning(answer);
  });
  return found;
}
