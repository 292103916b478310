import type { Registry } from 'prom-client';
import type { RulesKeeper } from '../../lib/rules/keeper.ts';
import { addGauge } from './gauge.ts';

/** How the rules of the attachments are, and how often somebody has taken some away. */
export function addRulesMetrics(registry: Registry, rules: Pick<RulesKeeper, 'status'>): void {
  const add = (name: string, help: string, value: () => number) =>
    addGauge(registry, `fairlead_rules_${name}`, help, value);
  add('attachments', 'Attachments that have rules in nftables.', () => rules.status().attachments);
  add('repairs', 'How often rules had to be put back.', () => rules.status().drift.repairs);
  add('problems', 'What keeps rules from being put back.', () => rules.status().problems.length);
}
