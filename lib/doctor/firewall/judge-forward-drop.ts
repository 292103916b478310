import { type Cidr, formatCidr } from '../../net/cidr.ts';
import { orOk, problem, skipped, type Verdict, warning } from '../check.ts';
import type { EntryChain, Firewall, Flow } from './firewall.ts';
import { followFlow } from './follow-flow.ts';
import { admitBy } from './forward-remedy.ts';

export type ForwardDropEvidence = {
  readonly flows: readonly Flow[];
  readonly firewalls: readonly Firewall[];
};

export function judgeForwardDrop({ flows, firewalls }: ForwardDropEvidence): readonly Verdict[] {
  if (flows.length === 0) return [skipped('no containers, and no network for them here')];
  const entries = firewalls.flatMap((firewall) => firewall.entries.map((entry) => ({ firewall, entry })));
  const verdicts = entries.flatMap(({ firewall, entry }) => judgeEntry(firewall, entry, flows));
  const looked =
    entries.length === 0
      ? 'no firewall of somebody else'
      : entries.map(({ entry }) => entry.title).join(', ');
  return orOk(verdicts, `${looked}: nothing of containers is dropped`);
}

function judgeEntry(firewall: Firewall, entry: EntryChain, flows: readonly Flow[]): readonly Verdict[] {
  const dropped = flows
    .filter((flow) => entry.sees.includes(flow.as))
    .map((flow) => ({ flow, fate: followFlow(firewall, entry, flow) }))
    .filter(({ fate }) => fate.usual === 'drop');
  const lost = dropped.filter(({ fate }) => !fate.mayBeAccepted).map(({ flow }) => flow);
  const doubtful = dropped.filter(({ fate }) => fate.mayBeAccepted).map(({ flow }) => flow);
  return [
    ...(lost.length === 0 ? [] : [problem(`${entry.title} drops ${describe(lost)}`, remedyFor(entry, lost))]),
    ...(doubtful.length === 0
      ? []
      : [
          warning(
            `${entry.title} drops ${describe(doubtful)}, but for what some of its rules let through`,
            remedyFor(entry, doubtful),
          ),
        ]),
  ];
}

/** Command lines; behind what does the same for each container where that is possible. */
function remedyFor({ place }: EntryChain, flows: readonly Flow[]): string {
  const byHand = admitBy(place, flows);
  const isIptables = place.kind !== 'nft' || (place.table === 'filter' && place.chain === 'FORWARD');
  if (!isIptables || flows.some(({ as }) => as === 'frames')) return byHand;
  return `have the plugin "firewall" in the conflist, which lets each container through; or type: ${byHand}`;
}

function describe(flows: readonly Flow[]): string {
  const ways = flows.map(({ from, to, state, source, destination, toldBy }) => {
    const isOfNetworks = toldBy === 'networks';
    const [origin, target] = isOfNetworks ? [named(from, source), named(to, destination)] : [from, to];
    return `${state === 'new' ? 'what goes' : 'answers'} from ${origin} to ${target}`;
  });
  return [...new Set(ways)].join(', ');
}

function named(link: string, network: Cidr | undefined): string {
  return network === undefined ? link : `${link} (${formatCidr(network)})`;
}
