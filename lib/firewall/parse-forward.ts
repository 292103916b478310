import { admittingChain, type ForwardChain } from './forward-script.ts';

type Body = Readonly<Record<string, unknown>>;

/** Output of `nft -j -t list chain ip filter FORWARD`. What it means is iptables': the chain is that of its nft variant. */
export function parseNftForward(text: string): ForwardChain {
  const objects = listed(JSON.parse(text));
  const policy = objects.map(({ chain }) => chain).find(isBody)?.policy;
  const rules = objects.flatMap(({ rule }) => (isBody(rule) ? [statements(rule)] : []));
  return toForwardChain(
    policy === 'drop',
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
function statements({ expr }: Body): readonly Body[] {
  const all = Array.isArray(expr) ? expr.filter(isBody) : [];
  return all.filter((each) => !('counter' in each) && !(isBody(each.xt) && each.xt.name === 'comment'));
}

function isDrop({ drop, reject, xt }: Body): boolean {
  if (drop !== undefined || reject !== undefined) return true;
  return isBody(xt) && xt.type === 'target' && (xt.name === 'REJECT' || xt.name === 'DROP');
}

function isJump({ jump }: Body): boolean {
  return isBody(jump) && jump.target === admittingChain;
}

function listed(document: unknown): readonly Body[] {
  const objects = isBody(document) ? document.nftables : undefined;
  return Array.isArray(objects) ? objects.filter(isBody) : [];
}

function isBody(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
