import type { RulesOwner, RulesRecord } from './record.ts';
import { type RulesParts, removeRules } from './remove-rules.ts';
import { identify, isWithoutRules, type OwnRule } from './rules.ts';

/** A record that was entered before its rules were written. */
export type Entry = {
  /** Says that it is of the epoch that has begun since. @throws CniError code 5 */
  readonly renew: () => void;
  /** For an ADD that was undone: as if it had not been. @throws CniError code 5 */
  readonly takeBack: () => void;
};

/**
 * Enters what an ADD is about to write. The same attachment may have a record: of a container before this one, whose rules
 * go; or of this one, of which nothing that it has may be forgotten, whether this ADD succeeds or fails.
 * @throws CniError
 */
export function enterRecord(
  owner: RulesOwner,
  { proof, rules, flows }: Omit<RulesRecord, 'owner' | 'epoch' | 'atMs'>,
  parts: RulesParts,
): Entry {
  const { records } = parts;
  if (isWithoutRules(rules)) {
    records.prepare();
    return { renew: () => undefined, takeBack: () => undefined };
  }
  const earlier = earlierRecord(owner, proof, parts);
  const own = earlier === undefined ? rules.own : unionOf(earlier.rules.own, rules.own);
  const renew = () => records.put({ owner, proof, rules: { ...rules, own }, flows });
  renew();
  return { renew, takeBack: () => (earlier === undefined ? records.remove(owner) : records.put(earlier)) };
}

function earlierRecord(
  owner: RulesOwner,
  proof: RulesRecord['proof'],
  parts: RulesParts,
): RulesRecord | undefined {
  const found = parts.records.get(owner);
  if (found.kind !== 'recorded') return undefined;
  if (found.record.proof.netns?.inode === proof.netns?.inode) return found.record;
  removeRules(owner, parts);
  return undefined;
}

function unionOf(earlier: readonly OwnRule[], now: readonly OwnRule[]): readonly OwnRule[] {
  return [...new Map([...earlier, ...now].map((rule) => [nameOf(rule), rule])).values()];
}

function nameOf(rule: OwnRule): string {
  return rule.kind === 'write-chain' ? `chain ${rule.chain}` : identify(rule);
}
