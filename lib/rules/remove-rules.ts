import { failuresOf } from '../errors/collect.ts';
import type { Machine } from '../exec/machine.ts';
import { observeTable } from '../exec/observe.ts';
import { startNft } from '../exec/start-nft.ts';
import { runBatch } from '../exec/tool.ts';
import type { NftOperation } from '../nft/operation.ts';
import { isSameTable } from '../nft/parse.ts';
import { ownChainPrefix, ownerComment } from './owner.ts';
import type { RulesOwner, RulesRecord } from './record.ts';
import type { Records } from './records.ts';
import { removalsOf } from './rules.ts';
import { allTables } from './tables.ts';

export type RulesParts = { readonly machine: Machine; readonly records: Records };

/**
 * Takes away what an ADD has written for an attachment, and has conntrack forget what went by it. What no record tells of
 * is looked for by its comment, which takes longer the more attachments there are.
 * @returns whether there was a record
 * @throws CniError
 */
export function removeRules(owner: RulesOwner, { machine, records }: RulesParts): boolean {
  const recorded = records.get(owner);
  if (recorded.kind === 'none') return false;
  if (recorded.kind === 'unknown') runNft(findOwn(owner, machine), machine);
  else removeRecorded(recorded.record, { machine, records });
  records.remove(owner);
  return recorded.kind === 'recorded';
}

/**
 * By their keys, unless the ruleset was flushed since: then another attachment may have one of them by now. What a foreign
 * program has taken away with its table or in part makes the whole transaction fail: then look, too.
 */
function removeRecorded({ rules: { own }, flows, owner, epoch }: RulesRecord, parts: RulesParts): void {
  const { machine, records } = parts;
  const isStanding = epoch === records.epoch() && isDone(startNft(removalsOf(own), machine));
  if (!isStanding) {
    records.forgetShared();
    runNft(findOwn(owner, machine), machine);
  }
  machine.forgetFlows(flows);
}

function isDone(wait: () => void): boolean {
  return failuresOf(wait).length === 0;
}

function findOwn({ network, ...id }: RulesOwner, machine: Machine): readonly NftOperation[] {
  const comment = ownerComment(network, id);
  return allTables.flatMap((table) => {
    const listing = observeTable(machine, table);
    const elements = listing.elements.filter(
      (each) => isSameTable(each.table, table) && each.comment === comment,
    );
    return [
      ...elements.map(({ set, key }): NftOperation => ({ kind: 'delete-element', table, set, key })),
      ...listing.chains
        .filter(({ chain }) => chain.startsWith(ownChainPrefix(comment)))
        .map(({ chain }): NftOperation => ({ kind: 'delete-chain', table, chain })),
    ];
  });
}

/** One transaction; none at all for nothing. @throws CniError */
export function runNft(operations: readonly NftOperation[], machine: Machine): void {
  runBatch({ place: 'host', tool: 'nft', operations }, machine);
}
