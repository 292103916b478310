import type { Link } from '../../iproute/parse.ts';
import type { Family } from '../../net/address.ts';
import { type Cidr, networkOf } from '../../net/cidr.ts';
import { containerBridges } from '../bridges.ts';
import { globalAddresses } from '../link-addresses.ts';
import type { Overlay } from '../overlay.ts';
import type { Flow } from './firewall.ts';

/** What the ways of packets over bridges depend on. */
export type BridgedHost = {
  readonly links: readonly Link[];
  readonly overlay: Overlay | undefined;
  /** The interface to other networks; undefined where there is none. */
  readonly outside: string | undefined;
  /** Whether br_netfilter sends also what does not leave a bridge through the filters of IP. */
  readonly isFiltered: boolean;
};

/** The ways that packets of containers on bridges have to go. */
export function bridgeFlows({ links, overlay, outside, isFiltered }: BridgedHost): readonly Flow[] {
  const bridges = [...new Set([...containerBridges(links), ...(overlay?.bridges ?? [])])];
  return bridges.flatMap((bridge) => [
    ...(outside === undefined ? [] : outwards(bridge, outside)),
    ...overlayFlows(bridge, overlay),
    ...(isFiltered ? within(bridge) : []),
    ...frames(bridge, links),
  ]);
}

/** What others begin comes in by port maps only, which are no matter of every network. */
function outwards(bridge: Link, outside: string): readonly Flow[] {
  return familiesOf(bridge).flatMap(([as, network]) => [
    { ...anywhere, from: bridge.name, to: outside, as, source: network },
    { ...anywhere, from: outside, to: bridge.name, as, state: 'established', destination: network },
  ]);
}

function overlayFlows(bridge: Link, overlay: Overlay | undefined): readonly Flow[] {
  if (overlay?.mode !== 'l3' || !overlay.bridges.includes(bridge)) return [];
  const { devices, networks } = overlay;
  return familiesOf(bridge).flatMap(([as, own]) => {
    const whole = networks.find(({ address }) => address.family === as);
    return devices.flatMap(({ name }): readonly Flow[] => [
      { ...anywhere, from: bridge.name, to: name, as, source: own, destination: whole },
      { ...anywhere, from: name, to: bridge.name, as, source: whole, destination: own },
    ]);
  });
}

function within(bridge: Link): readonly Flow[] {
  return familiesOf(bridge).map(([as, network]) => ({
    ...anywhere,
    ...{ from: bridge.name, to: bridge.name, as, source: network, destination: network },
  }));
}

/** From one port to another, by the names of two that there are. */
function frames({ name }: Link, links: readonly Link[]): readonly Flow[] {
  const [from, to = from] = links.filter(({ master }) => master === name);
  if (from === undefined || to === undefined) return [];
  return [{ ...anywhere, from: from.name, to: to.name, as: 'frames' }];
}

const anywhere = { state: 'new', source: undefined, destination: undefined, toldBy: 'links' } as const;

/** What the bridge routes: each family with its network. */
function familiesOf(bridge: Link): readonly (readonly [Family, Cidr])[] {
  return ([4, 6] as const).flatMap((family) => {
    const [address] = globalAddresses(bridge, family);
    return address === undefined ? [] : [[family, networkOf(address)] as const];
  });
}
