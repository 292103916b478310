import type { AttachmentCall } from '../cni/dispatch.ts';
import type { Ipam } from '../cni/ipam.ts';
import { failuresOf, throwCollected } from '../errors/collect.ts';
import type { Machine } from '../exec/machine.ts';
import type { NftOperation } from '../nft/operation.ts';
import { detach, isAttached } from './detach.ts';

/** What an attachment is released from. */
export type Holding = {
  readonly ipam: () => Ipam | undefined;
  /** What IPAM is told, whose attachment is the plugin's. */
  readonly ipamCall: AttachmentCall;
  /** Looks up the elements of rules that name the attachment; none where its network has no such rules. */
  readonly findElements: () => readonly NftOperation[];
};

/**
 * Takes an attachment away: link and rules, then the lease. Needs no namespace, no CNI_ARGS and no previous result, and
 * succeeds where nothing is left. A lease is kept while its link cannot be removed: the address is still in use.
 * @throws CniError after having done all that could be done
 */
export function release({ ipam, ipamCall, findElements }: Holding, machine: Machine): void {
  const { attachment } = ipamCall;
  const failures = detach(attachment, findElements, machine);
  const mayRelease = failures.length === 0 || !isAttached(attachment, machine);
  throwCollected([...failures, ...(mayRelease ? failuresOf(() => ipam()?.del(ipamCall)) : [])]);
}
