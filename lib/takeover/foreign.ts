import type { AttachmentCall } from '../cni/dispatch.ts';
import { failuresOf, runAll, throwCollected } from '../errors/collect.ts';
import type { Machine } from '../exec/machine.ts';
import type { IpAddress } from '../net/address.ts';
import { releaseBandwidth } from './bandwidth.ts';
import { findLegacyTables, releaseFromLegacy } from './release-legacy.ts';
import { releaseFromNft } from './release-nft.ts';
import { type ForeignAttachment, type RuleKind, tablesOf, tracesOf } from './trace.ts';

/** What the reference's plugins leave of an attachment beside link and lease. */
export type ForeignRules = RuleKind | 'bandwidth';

/** What of the machine a take-over touches. */
type ForeignMachine = Pick<Machine, 'run' | 'shortcut' | 'readProc' | 'findNftTables' | 'findNftChains'>;

/**
 * Removes what the reference's plugins have left of an attachment, in this thread's network namespace: DEL of a container
 * that they attached. Others' rules and the chains that all share stay. Costs no process where nothing is left.
 * @throws CniError after having done all that could be done
 */
export function releaseForeign(
  { conf, attachment: { containerId, ifName } }: AttachmentCall,
  kinds: readonly ForeignRules[],
  machine: ForeignMachine,
): void {
  const attachment = { network: conf.name, containerId, ifName, addresses: addressesOf(conf) };
  const ruleKinds = kinds.filter((kind) => kind !== 'bandwidth');
  throwCollected([
    ...failuresOf(() => releaseRules(ruleKinds, attachment, machine)),
    ...(kinds.includes('bandwidth') ? failuresOf(() => releaseBandwidth(attachment, machine)) : []),
  ]);
}

/** None where the previous result is absent or cannot be read: then as much goes as the names alone tell. */
function addressesOf({ prevResult }: AttachmentCall['conf']): readonly IpAddress[] {
  try {
    return prevResult()?.ips.map(({ address }) => address.address) ?? [];
  } catch {
    return [];
  }
}

function releaseRules(
  kinds: readonly RuleKind[],
  attachment: ForeignAttachment,
  machine: ForeignMachine,
): void {
  const tables = kinds.flatMap(tablesOf);
  throwCollected(
    runAll([
      {
        doing: 'removing what other plugins have left in nftables',
        run: () => {
          const traces = tracesOf(kinds, attachment, machine.findNftTables(tables));
          twice(() => releaseFromNft(traces, machine));
        },
      },
      {
        doing: 'removing what other plugins have left in iptables',
        run: () => {
          const traces = tracesOf(kinds, attachment, findLegacyTables(tables, machine));
          twice(() => releaseFromLegacy(traces, machine));
        },
      },
    ]),
  );
}

/** What another program has changed between the look and the deletion makes it fail as a whole: then look again. */
function twice(work: () => void): void {
  try {
    work();
  } catch {
    work();
  }
}
