import { CniError } from '../errors/cni-error.ts';
import type { Machine } from '../exec/machine.ts';
import type { Link } from '../iproute/parse.ts';
import { observeOuter } from '../overlay/outer.ts';
import { containerBridges } from './bridges.ts';
import type { Flow } from './firewall.ts';
import { globalAddresses } from './link-addresses.ts';
import type { Overlay } from './overlay.ts';
import type { Scene } from './scene.ts';

/** The ways that containers' packets have to go on this host. */
export function flowsOf(scene: Scene): readonly Flow[] {
  const overlay = scene.overlay();
  const bridges = [...new Set([...containerBridges(scene.links()), ...(overlay?.bridges ?? [])])];
  const outside = outsideOf(scene.machine);
  const isFiltered = scene.machine.readProc('/proc/sys/net/bridge/bridge-nf-call-iptables') === '1';
  return bridges.flatMap((bridge) => [
    ...(outside === undefined ? [] : outwards(bridge, outside)),
    ...overlayFlows(bridge, overlay),
    // br_netfilter sends also what does not leave a bridge through the filters of IP.
    ...(isFiltered ? routed(bridge, { from: bridge.name, to: bridge.name }) : []),
    ...frames(bridge, scene.links()),
  ]);
}

function outsideOf(machine: Machine): string | undefined {
  try {
    return observeOuter({ interface: undefined, publicAddresses: {} }, machine).name;
  } catch (error) {
    if (error instanceof CniError) return undefined;
    throw error;
  }
}

/** What others begin comes in by port maps only, which are no matter of every network. */
function outwards(bridge: Link, outside: string): readonly Flow[] {
  return [
    ...routed(bridge, { from: bridge.name, to: outside }),
    ...routed(bridge, { from: outside, to: bridge.name, state: 'established' }),
  ];
}

function overlayFlows(bridge: Link, overlay: Overlay | undefined): readonly Flow[] {
  if (overlay?.mode !== 'l3' || !overlay.bridges.includes(bridge)) return [];
  return overlay.devices.flatMap(({ name }) => [
    ...routed(bridge, { from: bridge.name, to: name }),
    ...routed(bridge, { from: name, to: bridge.name }),
  ]);
}

/** In each family that the bridge routes. */
function routed(bridge: Link, flow: Omit<Flow, 'as' | 'state'> & Partial<Flow>): readonly Flow[] {
  const families = ([4, 6] as const).filter((family) => globalAddresses(bridge, family).length > 0);
  return families.map((family) => ({ state: 'new', ...flow, as: family }));
}

/** From one port to another, by the names of two that there are. */
function frames({ name }: Link, links: readonly Link[]): readonly Flow[] {
  const [from, to = from] = links.filter(({ master }) => master === name);
  return from === undefined || to === undefined ? [] : [{ from: from.name, to: to.name, as: 'frames', state: 'new' }];
}
