import { CniError, ErrorCode } from '../errors/cni-error.ts';
import type { SettleOperation } from '../plan/operation.ts';
import type { Machine } from './machine.ts';

/** IFA_F_TENTATIVE and IFA_F_DADFAILED of linux/if_addr.h. */
const tentative = 0x40;
const duplicate = 0x08;
const pollMs = 20;

/**
 * Waits until duplicate address detection has ended for every IPv6 address of an interface.
 * Reads /proc/net/if_inet6, which shows the namespace of this thread.
 * @throws CniError code 11 when it takes longer than the operation allows, 999 when an address is taken
 */
export function awaitAddresses({ link, timeoutMs }: SettleOperation, machine: Machine): void {
  for (let waitedMs = 0; ; waitedMs += pollMs) {
    const flags = flagsOf(machine.readProc('/proc/net/if_inet6') ?? '', link);
    if (flags.some((flag) => (flag & duplicate) !== 0)) {
      throw new CniError(
        ErrorCode.internal,
        `${link}: another host on the link has one of its IPv6 addresses`,
      );
    }
    if (flags.every((flag) => (flag & tentative) === 0)) return;
    if (waitedMs >= timeoutMs) {
      throw new CniError(
        ErrorCode.tryAgainLater,
        `${link}: its IPv6 addresses are still tentative after ${timeoutMs} ms; see whether the link is up`,
      );
    }
    machine.sleep(pollMs);
  }
}

/** Flags of each address of the interface: `<address> <index> <length> <scope> <flags> <name>`, in hex. */
function flagsOf(table: string, link: string): number[] {
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[5] === link)
    .map((columns) => Number.parseInt(columns[4] ?? '0', 16));
}
