import type { Link } from '../../iproute/parse.ts';
import { widthOf } from '../../net/address.ts';
import { asHost, type Cidr, isWithin } from '../../net/cidr.ts';
import type { SeenWay } from '../routed/seen-ways.ts';
import type { Admitted, Flow } from './firewall.ts';
import { isNamed } from './follow-flow.ts';
import type { AdmittedAddress } from './parse-admitted.ts';

/** What there is of containers, and which of them the plugin `firewall` marks. */
export type Admission = {
  readonly links: readonly Link[];
  /** The names of the links that lead to one container each. */
  readonly endpoints: ReadonlySet<string>;
  readonly ways: readonly SeenWay[];
  readonly admitted: readonly AdmittedAddress[];
};

/** The flows with how much of each is marked: what containers begin, and answers to it. */
export function admitFlows(flows: readonly Flow[], admission: Admission): readonly Flow[] {
  return flows.map((flow) => ({ ...flow, admitted: shareOf(flow, admission) }));
}

function shareOf(flow: Flow, admission: Admission): Admitted {
  const end = endOf(flow);
  if (flow.as === 'frames' || !isOfContainers(end, admission)) return 'unmarkable';
  const containers = end.link.endsWith('*') ? containersBehind(end, admission) : portsOf(end, admission);
  if (containers.size === 0) return 'no containers';
  const marked = admission.admitted.filter(({ link, address }) => isAt(end, link, asHost(address)));
  const owners = new Set(marked.map(({ owner }) => owner));
  if (owners.size === 0) return 'none';
  return owners.size < containers.size ? 'some' : 'all';
}

/** Where the containers of a flow are, if it is one that is marked. */
type End = Pick<Flow, 'as'> & { readonly link: string; readonly network: Cidr | undefined };

/** New connections are marked by whom they come from, answers by whom they go to. */
function endOf({ as, state, from, to, source, destination }: Flow): End {
  return state === 'new' ? { as, link: from, network: source } : { as, link: to, network: destination };
}

function isOfContainers({ link }: End, { links }: Admission): boolean {
  return link.endsWith('*') || links.some(({ name, kind }) => name === link && kind === 'bridge');
}

/** How many there are is known by their ports: their addresses are theirs alone. */
function portsOf({ link }: End, { links }: Admission): ReadonlySet<string> {
  return new Set(
    links.filter(({ kind, master }) => kind === 'veth' && master === link).map(({ name }) => name),
  );
}

function containersBehind(end: End, { endpoints, ways }: Admission): ReadonlySet<string> {
  const own = ways.filter(({ dst }) => dst.prefixLength === widthOf(dst.address.family));
  return new Set(
    own.flatMap(({ dev = '', dst }) => (endpoints.has(dev) && isAt(end, dev, dst) ? [dev] : [])),
  );
}

function isAt({ as, link, network }: End, at: string, address: Cidr): boolean {
  const isInside = network === undefined || isWithin(address, network);
  return isNamed(link, at) && address.address.family === as && isInside;
}
