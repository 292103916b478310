import { type Cidr, formatCidr } from '../../net/cidr.ts';
import type { Flow } from './firewall.ts';

/** Those that need a rule: each once, although both families take it, and none that another one's rule lets through. */
export function leastFlows(flows: readonly Flow[]): readonly Flow[] {
  const each = [...new Map(flows.map((flow) => [keyOf(flow), flow])).values()];
  return each.filter((flow) => !each.some((other) => other !== flow && admits(other, flow)));
}

function keyOf({ toldBy, from, to, state, source, destination }: Flow): string {
  const told = toldBy === 'links' ? [from, to] : [textOf(source), textOf(destination)];
  return [toldBy, ...told, state].join(' ');
}

/** A rule for new connections is for their answers, too. */
function admits(rule: Flow, flow: Flow): boolean {
  if (rule.toldBy === 'links' || flow.toldBy === 'links') return false;
  const isOfState = rule.state === 'new' || rule.state === flow.state;
  return isOfState && has(rule.source, flow.source) && has(rule.destination, flow.destination);
}

function has(rule: Cidr | undefined, flow: Cidr | undefined): boolean {
  return rule === undefined || textOf(rule) === textOf(flow);
}

function textOf(network: Cidr | undefined): string {
  return network === undefined ? '' : formatCidr(network);
}
