import { createJudge } from '../attach/liveness.ts';
import type { NetworkCall } from '../cni/dispatch.ts';
import type { AttachmentId } from '../cni/invocation.ts';
import { runAll, throwCollected } from '../errors/collect.ts';
import type { RulesOwner, RulesRecord } from './record.ts';
import { type RulesParts, removeRules } from './remove-rules.ts';

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
  removeStale((record) => isOfCall(record) && isStale(record), parts);
}

/**
 * Takes away the rules of all containers that are proven dead.
 * @throws CniError after having done all that could be done
 */
export function collectDeadRules(parts: RulesParts): void {
  removeStale(deadBy(parts), parts);
}

function removeStale(isStale: IsStale, parts: RulesParts): void {
  const stale = parts.records.list().filter(isStale);
  const failures = runAll(
    stale.map(({ owner }) => ({
      doing: `removing the rules of ${describeOwner(owner)}`,
      run: () => removeRules(owner, parts),
    })),
  );
  throwCollected(failures);
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

function describeOwner({ containerId, ifName }: RulesOwner): string {
  return `container ${containerId}, interface ${ifName}`;
}
