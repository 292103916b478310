import type { Link } from '../iproute/parse.ts';
import type { VxlanLink } from '../iproute/parse-vxlan.ts';
import { type Cidr, cidrContains } from '../net/cidr.ts';
import type { OverlayMode } from '../overlay/kernel/plane.ts';
import { overlayAlias } from '../overlay/kernel/wish.ts';
import type { AgentFile } from './agent-file.ts';
import type { SubnetFile } from './subnet-file.ts';

/** What this host has of an overlay. */
export type Overlay = {
  readonly mode: OverlayMode;
  /** Its VXLAN devices that are there. */
  readonly devices: readonly VxlanLink[];
  /** The names of those that should be there and are not. */
  readonly absent: readonly string[];
  /** The bridges whose containers are on it. */
  readonly bridges: readonly Link[];
  /** The whole overlay, as far as it is known. */
  readonly networks: readonly Cidr[];
  /** This host's part. */
  readonly subnets: readonly Cidr[];
  /** Bytes that a container's packet may have, as containers are told. */
  readonly mtu: number | undefined;
};

/** What an overlay is recognised by. */
export type Signs = {
  readonly links: readonly Link[];
  readonly vxlans: readonly VxlanLink[];
  readonly subnetFile: SubnetFile;
  readonly agentFile: Pick<AgentFile, 'hasOverlay'>;
};

/** Undefined where nothing says that this host is in an overlay, of ours or of flanneld's. */
export function recogniseOverlay({ links, vxlans, subnetFile, agentFile }: Signs): Overlay | undefined {
  const env = subnetFile.kind === 'read' ? subnetFile.env : undefined;
  const named = Object.values(env?.devices ?? {});
  const devices = vxlans.filter((link) => named.some((name) => name === link.name) || isOverlayDevice(link));
  if (subnetFile.kind === 'absent' && !agentFile.hasOverlay && devices.length === 0) return undefined;
  const subnets = Object.values(env?.subnets ?? {});
  return {
    mode: env?.mode ?? 'l3',
    devices,
    absent: named.filter((name) => !devices.some((device) => device.name === name)),
    bridges: links.filter((link) => isOnOverlay(link, devices, subnets)),
    networks: Object.values(env?.networks ?? {}).flat(),
    subnets,
    mtu: env?.mtu,
  };
}

/** Ours by their alias, also where no file names them; flanneld's, which has none, by its names. */
function isOverlayDevice({ alias, name }: VxlanLink): boolean {
  return alias === overlayAlias || /^flannel(-v6)?\.\d+$/.test(name);
}

function isOnOverlay(link: Link, devices: readonly VxlanLink[], subnets: readonly Cidr[]): boolean {
  if (link.kind !== 'bridge') return false;
  const isMaster = devices.some(({ master }) => master === link.name);
  return (
    isMaster || link.addresses.some(({ address }) => subnets.some((subnet) => cidrContains(subnet, address)))
  );
}
