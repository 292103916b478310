import { type Json, listOf, objectOf } from '../iproute/json.ts';
import { admittingChain, type ForwardChain } from './forward-script.ts';

/** Output of `nft -j -t list chain ip filter FORWARD`. What it means is iptables': the chain is that of its nft variant. */
export function parseNftForward(text: string): ForwardChain {
  const objects = listOf(objectOf(JSON.parse(text)).nftables).map(objectOf);
  const rules = objects.flatMap(({ rule }) => (rule === undefined ? [] : [statements(objectOf(rule))]));
  return toForwardChain(
    objects.some(({ chain }) => objectOf(chain).policy === 'drop'),
    rules.map((each) => ({
      drops: each.every(isDrop) && each.length > 0,
      jumps: each.every(isJump) && each.length > 0,
    })),
  );
}

/** Output of `iptables-legacy -S FORWARD`. */
export function parseForwardRules(text: string): ForwardChain {
  const lines = text.split('\n').map((line) => line.trim());
  const rules = lines
    .filter((line) => line.startsWith('-A FORWARD '))
    .map((line) => line.replace(/ -m comment --comment ("[^"]*"|\S+)/, ''));
  return toForwardChain(
    lines.includes('-P FORWARD DROP'),
    rules.map((rule) => ({
      drops: /^-A FORWARD -j (DROP|REJECT)\b/.test(rule),
      jumps: rule === `-A FORWARD -j ${admittingChain}`,
    })),
  );
}

type ForwardRule = { readonly drops: boolean; readonly jumps: boolean };

function toForwardChain(isPolicyDrop: boolean, rules: readonly ForwardRule[]): ForwardChain {
  const dropsAt = placeOf(rules.findIndex(({ drops }) => drops));
  const jumpsAt = placeOf(rules.findIndex(({ jumps }) => jumps));
  return { drops: isPolicyDrop || dropsAt !== undefined, dropsAt, jumpsAt };
}

function placeOf(index: number): number | undefined {
  return index < 0 ? undefined : index + 1;
}

/** A rule without what only counts or comments: whatever is left beside a verdict is a condition. */
function statements({ expr }: Json): readonly Json[] {
  const all = listOf(expr).map(objectOf);
  return all.filter((each) => !('counter' in each) && objectOf(each.xt).name !== 'comment');
}

function isDrop({ drop, reject, xt }: Json): boolean {
  if (drop !== undefined || reject !== undefined) return true;
  const { type, name } = objectOf(xt);
  return type === 'target' && (name === 'REJECT' || name === 'DROP');
}

function isJump({ jump }: Json): boolean {
  return objectOf(jump).target === admittingChain;
}
