import type { AttachmentCall } from '../cni/dispatch.ts';
import type { Ipam } from '../cni/ipam.ts';
import type { Result } from '../cni/result.ts';
import type { CniError } from '../errors/cni-error.ts';
import { runAll, withLaterFailures } from '../errors/collect.ts';

const nothingLeased: Result = { interfaces: [], ips: [], routes: [], dns: {} };

/**
 * Steps 3 to 6 of an ADD: leases, and attaches with what was leased. If attaching fails, the lease is given back.
 * @param ipam undefined for a network without IPAM, to which nothing is leased
 * @throws CniError
 */
export function attachLeased(
  ipam: Ipam | undefined,
  ipamCall: AttachmentCall,
  attach: (leased: Result) => Result,
): Result {
  const leased = ipam?.add(ipamCall) ?? nothingLeased;
  try {
    return attach(leased);
  } catch (error) {
    throw withLaterFailures(
      error,
      runAll([{ doing: 'releasing the lease', run: () => ipam?.del(ipamCall) }]),
    );
  }
}

/** Does what comes after a plan that was carried out; if it fails, the plan is undone. */
export function confirmOrUndo(confirm: () => void, undo: () => readonly CniError[]): void {
  try {
    confirm();
  } catch (error) {
    throw withLaterFailures(error, undo());
  }
}
