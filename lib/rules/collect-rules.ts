import { createJudge } from '../attach/liveness.ts';
import type { NetworkCall } from '../cni/dispatch.ts';
import type { AttachmentId } from '../cni/invocation.ts';
import { runAll, throwCollected } from '../errors/collect.ts';
import { hasInterface } from '../exec/machine.ts';
import { observeTables } from '../exec/observe.ts';
import { hostVethName, parseIfName } from '../net/ifname.ts';
import type { NftOperation } from '../nft/operation.ts';
import { isSameTable, type NftListing } from '../nft/parse.ts';
import { ListedRules } from './listed-rules.ts';
import type { RulesRecord } from './record.ts';
import { type RulesParts, removeRules, runNft } from './remove-rules.ts';
import { describeOwner, planClearing } from './restore.ts';
import { allTables } from './tables.ts';

/** Whose rules are to be collected. */
export type RulesCollection = {
  readonly call: NetworkCall;
  readonly plugin: string;
  /** Those whose rules are to stay; undefined where the runtime does not say: then only those go whose container is dead. */
  readonly attachments: readonly AttachmentId[] | undefined;
};

/**
 * Takes away the rules that a plugin has written for a network's attachments which are not valid any more.
 * @throws CniError after having done all that could be done
 */
export function collectRules({ call, plugin, attachments }: RulesCollection, parts: RulesParts): void {
  const isStale = attachments === undefined ? deadBy(parts) : notAmong(attachments);
  const isOfCall = ({ owner }: RulesRecord) => owner.network === call.conf.name && owner.plugin === plugin;
  const isOfOrphan = (comment: string) => comment.startsWith(`${call.conf.name}/`);
  removeStale((record) => isOfCall(record) && isStale(record), isOfOrphan, parts);
}

/**
 * Takes away the rules of containers that are proven dead, of one network or of all.
 * @throws CniError after having done all that could be done
 */
export function collectDeadRules(network: string | undefined, parts: RulesParts): void {
  const isDead = deadBy(parts);
  const isOf = (record: RulesRecord) => network === undefined || record.owner.network === network;
  const isOfOrphan = (comment: string) => network === undefined || comment.startsWith(`${network}/`);
  removeStale((record) => isOf(record) && isDead(record), isOfOrphan, parts);
}

/** One look and one transaction for all; where that fails, one by one. */
function removeStale(isStale: IsStale, isOfOrphan: (comment: string) => boolean, parts: RulesParts): void {
  const { machine, records } = parts;
  // Before the records: an ADD enters its record first.
  const listing = observeTables(machine, allTables);
  const all = records.list();
  const stale = all.filter(isStale);
  const orphans = planOrphans(listing, (comment) => isOfOrphan(comment) && isOrphan(comment, parts));
  try {
    runNft([...planClearing(stale, new ListedRules(listing)), ...orphans], machine);
    machine.forgetFlows(stale.flatMap(({ flows }) => flows));
    for (const { owner } of stale) records.remove(owner);
  } catch {
    throwCollected(
      runAll(
        stale.map(({ owner }) => ({
          doing: `removing the rules of ${describeOwner(owner)}`,
          run: () => removeRules(owner, parts),
        })),
      ),
    );
  }
}

/**
 * Whether nobody has a record of the attachment that a comment names, not even one that cannot be read, and its link has
 * gone: then a call that was killed has left what is there.
 */
function isOrphan(comment: string, { machine, records }: RulesParts): boolean {
  const [network, containerId, name, more] = comment.split('/');
  const ifName = parseIfName(name ?? '');
  if (network === undefined || containerId === undefined || ifName === undefined || more !== undefined)
    return false;
  const isAttached = hasInterface(machine, hostVethName(containerId, ifName));
  return !isAttached && !records.hasAny({ network, containerId, ifName });
}

function planOrphans(listing: NftListing, isOrphaned: (comment: string) => boolean): readonly NftOperation[] {
  return listing.elements
    .filter(({ comment }) => isOrphaned(comment))
    .flatMap(({ table: { family, name }, set, key }) => {
      const table = allTables.find((each) => isSameTable(each, { family, name }));
      return table === undefined ? [] : [{ kind: 'delete-element', table, set, key }];
    });
}

type IsStale = (record: RulesRecord) => boolean;

function notAmong(attachments: readonly AttachmentId[]): IsStale {
  const valid = new Set(attachments.map(({ containerId, ifName }) => `${containerId}/${ifName}`));
  return ({ owner: { containerId, ifName } }) => !valid.has(`${containerId}/${ifName}`);
}

function deadBy({ machine }: RulesParts): IsStale {
  const judge = createJudge(machine);
  return ({ proof }) => judge(proof).state === 'dead';
}
