import { ok, problem, skipped, type Verdict, warning } from '../check.ts';
import type { Flusher } from './flushers.ts';

/** What the rules of containers were found to be. */
export type SeenRules = {
  /** Living attachments that have rules. */
  readonly attachments: number;
  /** The rules that are missing or altered, in words. */
  readonly missing: readonly string[];
  /** How many attachments lack rules of their own. */
  readonly affected: number;
  /** How many dead containers still have rules. */
  readonly stale: number;
  /** What an attachment cannot have because another has it. */
  readonly conflicts: readonly string[];
  /** Whether something was missing that was there a moment later. */
  readonly wasRestored: boolean;
};

export type RulesEvidence = SeenRules & {
  /** An agent that puts rules back; one that is told not to; or none. */
  readonly keeper: 'running' | 'idle' | 'absent';
  readonly flushers: readonly Flusher[];
};

const mostNamed = 3;

export function judgeRules(evidence: RulesEvidence): readonly Verdict[] {
  const { attachments, stale, conflicts } = evidence;
  if (attachments + stale === 0) return [skipped('no container has rules in nftables')];
  return [
    judgePresence(evidence),
    ...(stale === 0
      ? []
      : [warning(describeStale(stale), 'systemctl enable --now fairlead-agent: it removes them')]),
    ...conflicts.map((conflict) => problem(conflict, 'DEL one of the two containers')),
  ];
}

function judgePresence(evidence: RulesEvidence): Verdict {
  const { attachments, missing, wasRestored, keeper, flushers } = evidence;
  if (missing.length > 0) return judgeMissing(evidence);
  const found = `the rules of ${attachments} attachments are there`;
  if (wasRestored) return warning(`${found}; a moment ago some were missing`, remedyFor(evidence));
  if (keeper === 'running' || flushers.length === 0) return ok(found);
  return warning(`${found}, until the next time: ${blame(flushers)}`, remedyFor(evidence));
}

function judgeMissing(evidence: RulesEvidence): Verdict {
  const { missing, affected, attachments, flushers } = evidence;
  const named = missing.slice(0, mostNamed).join(', ');
  const more = missing.length > mostNamed ? ` and ${missing.length - mostNamed} more` : '';
  const whose = affected === 0 ? '' : `, of ${affected} of ${attachments} attachments`;
  const culprit = flushers.length === 0 ? 'somebody has run nft on them' : blame(flushers);
  return problem(`missing or altered: ${named}${more}${whose}; ${culprit}`, remedyFor(evidence));
}

function blame(flushers: readonly Flusher[]): string {
  const ways = flushers.map(
    ({ unit, file }) => `${unit} loads ${file}, whose "flush ruleset" takes everybody's tables away`,
  );
  return ways.join(', ');
}

/** What brings them back, and then what keeps them. */
function remedyFor({ keeper, flushers }: RulesEvidence): string {
  const back = {
    running:
      'journalctl -u fairlead-agent says who has taken them away, and what keeps the agent from putting them back',
    idle: 'take "rules": false out of the configuration of the agent, which then puts them back',
    absent:
      'systemctl enable --now fairlead-agent: it puts them back whenever they go (without it: DEL and ADD each container)',
  }[keeper];
  const files = [...new Set(flushers.map(({ file }) => file))];
  const keep = files.map(
    (file) => `in ${file} write "flush table" of its own tables in place of "flush ruleset"`,
  );
  return [back, ...keep].join('; ');
}

function describeStale(stale: number): string {
  return `${stale} containers that are dead still have rules, perhaps host ports`;
}
