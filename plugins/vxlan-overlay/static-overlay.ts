import type { Uplink } from '../../lib/bridge/network.ts';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { formatCidr } from '../../lib/net/cidr.ts';
import type { IfName } from '../../lib/net/ifname.ts';
import { vtepMac } from '../../lib/overlay/kernel/mtu.ts';
import { observeOuter } from '../../lib/overlay/kernel/outer.ts';
import { isOnLinkOf, type Outer } from '../../lib/overlay/kernel/outer-link.ts';
import { peersOf } from '../../lib/overlay/kernel/peers.ts';
import type { Plane } from '../../lib/overlay/kernel/plane.ts';
import { carriersOf, toPlane } from '../../lib/overlay/kernel/planes.ts';
import { staticProtocol, wishOf } from '../../lib/overlay/kernel/wish.ts';
import type { SubnetLease } from '../../lib/overlay/lease/lease.ts';
import type { StaticOverlay, StaticPart } from './config.ts';
import type { OpenedHost } from './host-network.ts';
import { checkStaticPlane, planStaticPlane, type StaticPlane } from './static-plane.ts';

/**
 * The host's part as the configuration has it: the ADD itself makes the VXLAN device and what leads to the peers.
 * @param name the network's
 * @throws CniError code 7
 */
export function openStatic(name: string, overlay: StaticOverlay, machine: Machine): OpenedHost {
  const outer = observeOuter(overlay.outer, machine);
  const parts = Object.values(overlay.parts);
  const planes = planesOf(overlay, outer, undefined).map(({ plane }) => plane);
  const surroundings = { name, overlay, outer, devices: planes.map(({ device }) => device) };
  return {
    host: {
      mode: overlay.mode,
      networks: parts.map(({ network }) => network),
      subnets: parts.map(({ subnet }) => subnet),
      mtu: Math.min(...planes.map(({ mtu }) => mtu)),
      isMasqueraded: false,
    },
    uplinkOf: (bridge) => {
      const all = planesOf(overlay, outer, bridge);
      return createUplink(all.map(({ plane, part }) => withWish(plane, part, surroundings)));
    },
  };
}

/** @throws CniError code 7 */
function planesOf(
  { mode, vni, port, parts }: StaticOverlay,
  outer: Outer,
  bridge: IfName | undefined,
): readonly { readonly plane: Plane; readonly part: StaticPart }[] {
  const families = ([4, 6] as const).filter((family) => parts[family] !== undefined);
  return carriersOf(mode, families).flatMap((family) => {
    const part = parts[family];
    if (part === undefined) return [];
    const { network, subnet } = part;
    const of = { family, mode, vni, port, network, subnet, outer, bridge, outerMtu: undefined };
    return [{ part, plane: toPlane(of) }];
  });
}

type Surroundings = {
  readonly name: string;
  readonly overlay: StaticOverlay;
  readonly outer: Outer;
  readonly devices: readonly IfName[];
};

/** @throws CniError code 7 for a peer that cannot be one */
function withWish(plane: Plane, { peers }: StaticPart, surroundings: Surroundings): StaticPlane {
  const { name, overlay, outer, devices } = surroundings;
  const leases = peers.map(({ subnet, publicAddress, vtepMac: stated }): SubnetLease => {
    const mac = stated ?? vtepMac(plane.vni, publicAddress);
    const endpoint = { subnet, publicAddress, vni: plane.vni, vtepMac: mac };
    return { name: formatCidr(subnet), endpoints: { [plane.family]: endpoint }, node: undefined };
  });
  const rules = { isOnLink: isOnLinkOf(outer), directRouting: overlay.directRouting, own: undefined };
  const { peers: accepted, refused } = peersOf(plane, leases, rules);
  const [first] = refused;
  const wish = wishOf(plane, accepted, staticProtocol);
  if (first === undefined) return { network: name, plane, wish, devices };
  throw new CniError(ErrorCode.invalidConfig, `peers: the one with subnet ${first.name}: ${first.because}`);
}

function createUplink(planes: readonly StaticPlane[]): Uplink {
  return {
    plan: (machine) => planes.flatMap((plane) => planStaticPlane(plane, machine)),
    confirm: () => undefined,
    check: (machine) => {
      for (const plane of planes) checkStaticPlane(plane, machine);
    },
  };
}
