import { type Cidr, formatCidr } from '../../net/cidr.ts';
import { orOk, problem, skipped, type Verdict, warning } from '../check.ts';
import { isOfIptables, type JumpTrouble, troubleWithJump } from './admitting-jump.ts';
import type { EntryChain, Firewall, Flow } from './firewall.ts';
import { type Fate, followFlow } from './follow-flow.ts';
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
  const trouble = troubleWithJump(firewall, entry);
  const {
    marked = [],
    lost = [],
    partly = [],
    doubtful = [],
  } = Object.groupBy(dropped, (each) => kindOf(each, trouble !== undefined));
  return [
    ...(trouble === undefined ? [] : saying(marked, (flows) => overlooked(entry, flows, trouble))),
    ...saying(lost, (flows) => problem(`${entry.title} drops ${describe(flows)}`, remedyFor(entry, flows))),
    ...saying(partly, (flows) => incomplete(entry, flows)),
    ...saying(doubtful, (flows) =>
      warning(
        `${entry.title} drops ${describe(flows)}, but for what some of its rules let through`,
        remedyFor(entry, flows),
      ),
    ),
  ];
}

type Dropped = { readonly flow: Flow; readonly fate: Fate };

/** What would be let through if our chain were asked in time; what nothing lets through; and what something does in part. */
function kindOf(
  { flow: { admitted }, fate }: Dropped,
  isTroubled: boolean,
): 'marked' | 'lost' | 'partly' | 'doubtful' {
  const isMarked = admitted === 'all' || admitted === 'some';
  if (isTroubled && isMarked) return 'marked';
  if (!fate.mayBeAccepted) return 'lost';
  return admitted === 'some' ? 'partly' : 'doubtful';
}

function saying(dropped: readonly Dropped[], say: (flows: readonly Flow[]) => Verdict): readonly Verdict[] {
  return dropped.length === 0 ? [] : [say(dropped.map(({ flow }) => flow))];
}

function overlooked(entry: EntryChain, flows: readonly Flow[], trouble: JumpTrouble): Verdict {
  const byHand = trouble.byHand ?? admitBy(entry.place, flows);
  return problem(
    `${entry.title} drops ${describe(flows)}, which the plugin "firewall" is to let through: ${trouble.found}`,
    trouble.isMendedByAdd
      ? `ADD a container with the plugin "firewall" in the conflist, which leads there in time; or type: ${byHand}`
      : byHand,
  );
}

function incomplete(entry: EntryChain, flows: readonly Flow[]): Verdict {
  return warning(
    `${entry.title} drops ${describe(flows)}, but for containers that the plugin "firewall" lets through`,
    `have the plugin "firewall" in every conflist, and DEL and ADD the containers that it does not let through; or type: ${admitBy(entry.place, flows)}`,
  );
}

/** Command lines; behind what does the same for each container where that is possible and not done already. */
function remedyFor(entry: EntryChain, flows: readonly Flow[]): string {
  const byHand = admitBy(entry.place, flows);
  const isForPlugin = flows.some(({ admitted }) => admitted !== 'all' && admitted !== 'unmarkable');
  if (!isForPlugin || !isOfIptables(entry) || flows.some(({ as }) => as === 'frames')) return byHand;
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
