import { cutForeign } from '../daemon/foreign-text.ts';
import { formatAddress } from '../net/address.ts';
import { formatCidr } from '../net/cidr.ts';
import type { Journal } from './journal.ts';
import type { Peer, Plane } from './kernel/plane.ts';
import type { Target } from './kernel/target.ts';
import { subnetsOf } from './lease/overlap.ts';
import type { LeaseState } from './lease/record.ts';
import type { LeaseTable } from './lease/table.ts';
import type { OverlaySettings } from './settings.ts';
import type { DeviceStatus, OverlayStatus, PeerStatus } from './status.ts';

/** What a status is made from. */
export type StatusParts = {
  readonly settings: Pick<OverlaySettings, 'mode'>;
  readonly state: LeaseState;
  readonly etcd: { readonly endpoint: string; readonly away: string | undefined };
  readonly target: Target | undefined;
  /** Keys that are not understood. */
  readonly unread: LeaseTable['problems'];
  readonly journal: Pick<Journal, 'drift' | 'lastChange'>;
  readonly problems: readonly string[];
  readonly uptimeSeconds: number;
};

/** Addresses and MACs as text, times as what is left of them. */
export function toStatus(parts: StatusParts): OverlayStatus {
  const { settings, state, etcd, target, journal, uptimeSeconds } = parts;
  const planes = target?.planes ?? [];
  return {
    mode: settings.mode,
    lease: toLeaseStatus(state, uptimeSeconds),
    etcd: {
      endpoint: etcd.endpoint,
      isConnected: etcd.away === undefined,
      ...(etcd.away === undefined ? {} : { because: etcd.away }),
    },
    devices: planes.map(({ plane }) => toDeviceStatus(plane)),
    peers: planes.flatMap(({ peers }) => peers.map(toPeerStatus)),
    refused: toRefused(parts),
    drift: journal.drift,
    ...(journal.lastChange === undefined ? {} : { lastChange: journal.lastChange }),
    problems: [...problemsOf(parts), ...parts.problems],
  };
}

function toRefused({ target, unread }: StatusParts): OverlayStatus['refused'] {
  return [
    ...(target?.refused ?? []).map(({ name, because }) => ({ lease: name, because })),
    ...[...unread].map(([name, { problem }]) => ({ lease: cutForeign(name), because: cutForeign(problem) })),
  ];
}

/** A host that still has its lease has all that it needs of etcd. */
function problemsOf({ state, etcd: { away } }: StatusParts): readonly string[] {
  if (state.kind === 'held') return [];
  return [`the lease: ${state.because}`, ...(away === undefined ? [] : [`etcd: ${away}`])];
}

function toLeaseStatus(state: LeaseState, uptimeSeconds: number): OverlayStatus['lease'] {
  if (state.kind === 'waiting') return { state: 'waiting', because: state.because, subnets: [] };
  if (state.kind === 'lost') {
    const { previous, because, takenBy } = state;
    const subnets = Object.values(subnetsOf(previous)).map(formatCidr);
    return {
      state: 'lost',
      name: previous.name,
      subnets,
      because,
      ...(takenBy === undefined ? {} : { takenBy }),
    };
  }
  const { lease, untilSeconds, insteadOf } = state;
  return {
    state: 'held',
    name: lease.name,
    subnets: Object.values(subnetsOf(lease)).map(formatCidr),
    ...(untilSeconds === undefined ? {} : { secondsLeft: Math.round(untilSeconds - uptimeSeconds) }),
    ...(insteadOf === undefined
      ? {}
      : { because: `instead of ${insteadOf.previous.name}: ${insteadOf.because}` }),
  };
}

function toDeviceStatus(plane: Plane): DeviceStatus {
  const { device, network, subnet, vni, port, mac, mtu, publicAddress, outer } = plane;
  return {
    ...{ name: device, vni, port, mac, mtu, interface: outer },
    network: formatCidr(network),
    subnet: formatCidr(subnet),
    publicAddress: formatAddress(publicAddress),
  };
}

function toPeerStatus({ subnet, publicAddress, vtepMac, isDirect }: Peer): PeerStatus {
  return { subnet: formatCidr(subnet), publicAddress: formatAddress(publicAddress), vtepMac, isDirect };
}
