import { type Cidr, isWithin } from '../../net/cidr.ts';
import type { Condition, EntryChain, FilterRule, Firewall, Flow, Match } from './firewall.ts';

/** What becomes of packets in a chain. */
export type Fate = {
  /** As far as rules go whose conditions are known to hold; `continue` where the chain's end is reached. */
  readonly usual: 'accept' | 'drop' | 'continue';
  /** Whether a rule that may hold accepts some of them before. */
  readonly mayBeAccepted: boolean;
};

/** What an entry chain does with a flow. */
export function followFlow(
  firewall: Firewall,
  entry: EntryChain,
  flow: Flow,
): Fate & { usual: 'accept' | 'drop' } {
  const { usual, mayBeAccepted } = followChain({ firewall, flow, depth: 0 }, entry.id);
  return { usual: usual === 'continue' ? entry.policy : usual, mayBeAccepted };
}

type Journey = { readonly firewall: Firewall; readonly flow: Flow; readonly depth: number };

/** The kernel's own limit of jumps. */
const deepest = 16;

function followChain(journey: Journey, id: string): Fate {
  let mayBeAccepted = false;
  if (journey.depth > deepest) return { usual: 'continue', mayBeAccepted };
  for (const rule of journey.firewall.chains.get(id) ?? []) {
    const applies = matches(rule.match, journey.flow);
    if (applies === 'no') continue;
    const step = followRule(journey, rule);
    mayBeAccepted ||= step.mayBeAccepted || (applies === 'maybe' && step.usual === 'accept');
    if (applies === 'maybe' || step.usual === 'continue') continue;
    return { usual: step.usual === 'leave' ? 'continue' : step.usual, mayBeAccepted };
  }
  return { usual: 'continue', mayBeAccepted };
}

type Step = { readonly usual: Fate['usual'] | 'leave'; readonly mayBeAccepted: boolean };

function followRule(journey: Journey, { outcome }: FilterRule): Step {
  switch (outcome.kind) {
    case 'accept':
    case 'drop':
    case 'continue':
      return { usual: outcome.kind, mayBeAccepted: false };
    case 'return':
      return { usual: 'leave', mayBeAccepted: false };
    case 'jump':
      return followChain({ ...journey, depth: journey.depth + 1 }, outcome.chain);
    case 'goto': {
      const there = followChain({ ...journey, depth: journey.depth + 1 }, outcome.chain);
      // From the end of that chain the packet goes on where this one was called.
      return { ...there, usual: there.usual === 'continue' ? 'leave' : there.usual };
    }
  }
}

type Applies = 'yes' | 'maybe' | 'no';

function matches(match: Match, flow: Flow): Applies {
  const each = match.map((condition) => holds(condition, flow));
  if (each.includes('no')) return 'no';
  return each.includes('maybe') ? 'maybe' : 'yes';
}

function holds(condition: Condition, flow: Flow): Applies {
  switch (condition.by) {
    case 'unknown':
      return 'maybe';
    case 'admitted':
      return turn(condition.isNot, isMarked(flow));
    case 'source':
    case 'destination':
      return turn(condition.isNot, isAmong(condition.networks, flow[condition.by]));
    default: {
      const name = { in: flow.from, out: flow.to, state: flow.state }[condition.by];
      return turn(condition.isNot, condition.names.some((pattern) => isNamed(pattern, name)) ? 'yes' : 'no');
    }
  }
}

function isMarked({ admitted }: Flow): Applies {
  if (admitted === 'some') return 'maybe';
  return admitted === 'all' || admitted === 'no containers' ? 'yes' : 'no';
}

function turn(isNot: boolean, applies: Applies): Applies {
  if (!isNot || applies === 'maybe') return applies;
  return applies === 'yes' ? 'no' : 'yes';
}

/** Whether all addresses of a network are among those of the rule, or none. */
function isAmong(networks: readonly Cidr[], flows: Cidr | undefined): Applies {
  if (flows === undefined) return 'maybe';
  if (networks.some((network) => isWithin(flows, network))) return 'yes';
  return networks.some((network) => isWithin(network, flows)) ? 'maybe' : 'no';
}

/** Whether a name of an interface is the one that is meant, or begins as all that are meant. */
export function isNamed(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}
