import type { VxlanLink } from '../../iproute/parse-vxlan.ts';
import type { Family } from '../../net/address.ts';
import { problem, type Verdict } from '../check.ts';
import { shellWord } from '../shell-word.ts';
import type { UdpSocket } from './udp-sockets.ts';

/** Who else may have the UDP port of a device. */
export type Rivals = {
  /** All VXLAN devices of the host. */
  readonly vxlans: readonly VxlanLink[];
  readonly sockets: readonly UdpSocket[];
  readonly seesHolders: boolean;
};

/**
 * A device that is up has its port. The kernel's socket of the port shows among all others and has no process; it is
 * there as long as one device of the port is up.
 */
export function judgePort(device: VxlanLink, rivals: Rivals): readonly Verdict[] {
  const { name, isUp, vxlan } = device;
  const up = `ip link set dev ${shellWord(name)} up`;
  const other = rivals.vxlans.find((each) => cannotShare(each, device));
  if (other !== undefined) return [besideEachOther(device, other)];
  if (isUp) return [];
  const taken = rivals.sockets.find(
    ({ port, family }) => port === vxlan.port && blocks(family, familyOf(device)),
  );
  const isKernels = rivals.vxlans.some((each) => each.isUp && each.vxlan.port === vxlan.port);
  if (taken === undefined || isKernels) return [problem(`${name} is down`, up)];
  const found = `${name} is down: its UDP port ${vxlan.port} is taken by ${holderOf(taken, rivals)}`;
  return [problem(found, `end that program, or give the overlay another port; then: ${up}`)];
}

/** The kernel refuses it when the second of them is to come up. */
function cannotShare(one: VxlanLink, other: VxlanLink): boolean {
  if (one.name === other.name || one.vxlan.port !== other.vxlan.port) return false;
  const [mine, theirs] = [familyOf(one), familyOf(other)];
  const meet = mine === undefined || theirs === undefined || mine === theirs;
  return meet && one.vxlan.receiving.join() !== other.vxlan.receiving.join();
}

function besideEachOther({ name, isUp, vxlan }: VxlanLink, other: VxlanLink): Verdict {
  const settings = [...vxlan.receiving, ...other.vxlan.receiving].join(', ');
  const consequence = isUp ? `${other.name} cannot come up` : `${name} is down`;
  return problem(
    `${name} and ${other.name} have UDP port ${vxlan.port} with settings that cannot share it (${settings}): ${consequence}`,
    `give the overlay another port; or, if nobody needs ${other.name}: ip link del dev ${shellWord(other.name)}`,
  );
}

/** Undefined for a device that is controlled from outside, and receives both. */
function familyOf({ vxlan }: VxlanLink): Family | undefined {
  if (vxlan.receiving.includes('external')) return undefined;
  return (vxlan.local ?? vxlan.remote)?.family ?? 4;
}

/** A program's socket of IPv6 takes the port of IPv4, too, unless it says otherwise, which does not show. */
function blocks(taken: Family, wanted: Family | undefined): boolean {
  return taken === 6 || wanted !== 6;
}

function holderOf({ holder }: UdpSocket, { seesHolders }: Rivals): string {
  if (holder !== undefined) return holder;
  return seesHolders
    ? 'something that has no process'
    : 'a process that does not show (run it as root, with ss installed)';
}
