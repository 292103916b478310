import { planForgetting } from '../capability/additions.ts';
import type { Attachment } from '../cni/invocation.ts';
import type { CniError } from '../errors/cni-error.ts';
import { failuresOf, withLaterFailures } from '../errors/collect.ts';
import { isFailureOf } from '../errors/command-failure.ts';
import { applyPlan, type Site } from '../exec/apply.ts';
import { hostVethName } from '../net/ifname.ts';
import type { Flow } from '../plan/flow.ts';
import type { Plan } from '../plan/operation.ts';
import { type Entry, enterRecord } from '../rules/enter-record.ts';
import type { RulesOwner } from '../rules/record.ts';
import type { Records } from '../rules/records.ts';
import type { RulesParts } from '../rules/remove-rules.ts';
import { planRules, type Rules, type Standing } from '../rules/rules.ts';
import { noteShared, observeStanding } from '../rules/standing.ts';
import { explainTakenElement, takenElement } from '../rules/taken-element.ts';
import { proveAlive } from './liveness.ts';

/** What is to be done for an attachment. */
export type Prepared = {
  /** What comes before the rules. */
  readonly before: Plan;
  /** All rules that the attachment needs, those that are there among them. */
  readonly rules: Rules;
  /** What comes when the rules stand. */
  readonly after: Plan;
  readonly flows: readonly Flow[];
};

/** Who a plan is carried out for. */
export type Beneficiary = {
  readonly attachment: Attachment;
  readonly network: string;
  /** The name of the plugin. */
  readonly plugin: string;
};

/**
 * Step 6 of an ADD: records which rules the attachment has, and carries the plan out. The record comes first: whatever an
 * ADD that is killed has written, its DEL finds.
 * @returns what undoes it all, for when a later step of the ADD fails
 * @throws CniError
 */
export function carryOut(
  prepared: Prepared,
  { attachment, network, plugin }: Beneficiary,
  parts: RulesParts,
): () => readonly CniError[] {
  const { machine } = parts;
  const { containerId, ifName, netns } = attachment;
  const owner: RulesOwner = { network, plugin, containerId, ifName };
  const entry = enterRecord(owner, { proof: proveAlive(netns, machine), ...prepared }, parts);
  let isLeft = false;
  const site = {
    machine,
    netns,
    onLeftover: () => {
      isLeft = true;
    },
  };
  try {
    const undo = applyWithRules(prepared, entry, site, parts);
    if (setsUpContainer(prepared)) machine.shortcut.awaitRunning(hostVethName(containerId, ifName), machine);
    return () => {
      const failures = undo();
      return failures.length > 0 ? failures : failuresOf(entry.takeBack);
    };
  } catch (error) {
    // What could not be undone, the following DEL finds by the record.
    const later = isLeft ? [] : failuresOf(entry.takeBack);
    throw withLaterFailures(explainTakenElement(error, prepared.rules.own, machine), later);
  }
}

function setsUpContainer({ before, after }: Prepared): boolean {
  return [...before, ...after].some(
    ({ place, operation }) => place === 'container' && operation.kind === 'set-up',
  );
}

/**
 * What an earlier ADD has written a foreign program may have taken away since, and nft says so when this attachment's
 * elements have no place: then all is written, and others' ADDs are not to rely on what was noted before either.
 */
function applyWithRules(
  prepared: Prepared,
  entry: Entry,
  site: Site,
  { machine, records }: RulesParts,
): ReturnType<typeof applyPlan> {
  const standing = observeStanding(prepared.rules, { machine, records });
  try {
    return applyNoting(prepared, standing, site, records);
  } catch (error) {
    const mayHaveGone = standing.writtenBefore.size > 0 && isFailureOf('nft', error);
    if (!mayHaveGone || takenElement(prepared.rules.own, machine) !== undefined) throw error;
    records.beginEpoch();
    entry.renew();
    return applyNoting(prepared, { ...standing, writtenBefore: new Set() }, site, records);
  }
}

function applyNoting(
  prepared: Prepared,
  standing: Standing,
  site: Site,
  records: Records,
): ReturnType<typeof applyPlan> {
  const undo = applyPlan(wholePlan(prepared, standing), site);
  noteShared(prepared.rules, standing, records);
  return undo;
}

/** All steps in order. */
export function wholePlan({ before, rules, after, flows }: Prepared, standing: Standing): Plan {
  return [...before, ...planRules(rules, standing), ...after, ...planForgetting(flows)];
}
