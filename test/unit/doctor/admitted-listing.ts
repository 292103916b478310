import type { Admission } from '../../../lib/doctor/firewall/admit-flows.ts';
import type { Flow } from '../../../lib/doctor/firewall/firewall.ts';
import { parseAdmitted } from '../../../lib/doctor/firewall/parse-admitted.ts';
import { cidr, cni0, port } from './fixture.ts';

const own = cidr('10.5.1.0/24');
const ways = { links: { from: 'cni0', to: 'eth0' }, back: { from: 'eth0', to: 'cni0' } };
/** What the container of a bridge begins. */
export const out: Flow = {
  ...ways.links,
  as: 4,
  state: 'new',
  toldBy: 'links',
  source: own,
  destination: undefined,
};
/** What comes back to it. */
export const answers: Flow = {
  ...{ ...ways.back, as: 4, state: 'established', toldBy: 'links' },
  ...{ source: undefined, destination: own },
};
/** What the overlay brings to it. */
export const begunElsewhere: Flow = { ...answers, from: 'flannel.1', state: 'new' };

const counter = { counter: { packets: 0, bytes: 0 } };
/** Leads to our chain, as nft 1.0.6 lists what iptables-nft 1.8.9 has written. */
export const jump = [counter, { jump: { target: 'FAIRLEAD-FORWARD' } }];
/** Lets nothing past it. */
export const reject = [counter, { reject: { type: 'icmp', expr: 'port-unreachable' } }];
/** Lets a mark through. */
export const marked = (mark: number) => [
  { match: { op: '==', left: { '&': [{ meta: { key: 'mark' } }, mark] }, right: mark } },
  { xt: { type: 'match', name: 'comment' } },
  counter,
  { accept: null },
];

/** A rule of iptables' table. */
export type Rule = readonly [chain: string, expr: readonly object[]];

/** What our chain has. */
export const ours: Rule = ['FAIRLEAD-FORWARD', marked(0x1000)];

/** A bridge with one container, whose addresses the plugin marks. */
export function admission(...addresses: readonly string[]): Admission {
  const admitted = parseAdmitted(listing([], addresses));
  return { links: [cni0, port], endpoints: new Set(), ways: [], admitted };
}

/** What nft lists: iptables' table with a policy of drop, and our sets. */
export function listing(
  rules: readonly Rule[],
  addresses: readonly string[],
  links: readonly string[] = addresses.map(() => 'cni0'),
): string {
  const filter = { family: 'ip', table: 'filter' };
  const elements = addresses.map((address, at) => ({
    elem: { val: { concat: [links[at], address] }, comment: `net/c${at}/eth0` },
  }));
  const set = { family: 'inet', table: 'fairlead_firewall' };
  const hook = { type: 'filter', hook: 'forward', prio: 0, policy: 'drop' };
  return JSON.stringify({
    nftables: [
      { chain: { ...filter, name: 'FORWARD', ...hook } },
      { chain: { ...filter, name: 'FAIRLEAD-FORWARD' } },
      ...rules.map(([chain, expr]) => ({ rule: { ...filter, chain, expr } })),
      { set: { ...set, name: 'kept_apart', elem: ['cni0'] } },
      { set: { ...set, name: 'admitted4', elem: elements.filter((_, at) => !addresses[at]?.includes(':')) } },
      { set: { ...set, name: 'admitted6', elem: elements.filter((_, at) => addresses[at]?.includes(':')) } },
    ],
  });
}
