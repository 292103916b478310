import { createJudge } from '../attach/liveness.ts';
import type { NetworkCall } from '../cni/dispatch.ts';
import type { AttachmentId } from '../cni/invocation.ts';
import { runAll, throwCollected } from '../errors/collect.ts';
import { observeTables } from '../exec/observe.ts';
import type { NftOperation } from '../nft/operation.ts';
import { isSameTable, type NftListing } from '../nft/parse.ts';
import { ListedRules } from './listed-rules.ts';
import { ownerComment } from './owner.ts';
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
  const orphans = planOrphans(listing, all, isOfOrphan);
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

/** Elements that say whose they are, but of whom there is no record: of a call that was killed, and of one whose record was lost. */
function planOrphans(
  listing: NftListing,
  records: readonly RulesRecord[],
  isOfOrphan: (comment: string) => boolean,
): readonly NftOperation[] {
  const known = new Set(records.map(({ owner }) => ownerComment(owner.network, owner)));
  return listing.elements
    .filter(({ comment }) => comment !== '' && !known.has(comment) && isOfOrphan(comment))
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
