import type { Link } from '../iproute/parse.ts';
import type { VxlanLink } from '../iproute/parse-vxlan.ts';
import { type Family, formatAddress, isSameAddress } from '../net/address.ts';
import { orOk, problem, skipped, type Verdict } from './check.ts';
import { globalAddresses } from './link-addresses.ts';
import { noOverlay } from './no-overlay.ts';
import type { Overlay } from './overlay.ts';
import { shellWord } from './shell-word.ts';
import type { UdpSocket } from './udp-sockets.ts';

export type VxlanEvidence = Pick<Overlay, 'devices' | 'absent' | 'mode'> & {
  readonly links: readonly Link[];
  /** All of the host. */
  readonly vxlans: readonly VxlanLink[];
  readonly sockets: readonly UdpSocket[];
  /** Whether other users' processes show. */
  readonly seesHolders: boolean;
};

const restart = 'systemctl restart fairlead-agent (or flanneld), which makes it as it should be';

export function judgeVxlan(evidence: VxlanEvidence | undefined): readonly Verdict[] {
  if (evidence === undefined) return noOverlay;
  const { devices, absent } = evidence;
  if (devices.length === 0 && absent.length === 0)
    return [skipped('there is no VXLAN device yet: nobody has made one for the overlay')];
  const missing = absent.map((name) =>
    problem(`there is no VXLAN device ${name}; it goes when the interface goes over which it sends`, restart),
  );
  const verdicts = devices.flatMap((device) => [
    ...judgeUnderlay(device, evidence),
    ...judgeAddress(device, evidence),
    ...judgePort(device, evidence),
  ]);
  const names = devices.map(({ name, vxlan }) => `${name} (VNI ${vxlan.vni}, UDP port ${vxlan.port})`);
  return orOk([...missing, ...verdicts], `${names.join(', ')}: up`);
}

function judgeUnderlay({ name, vxlan }: VxlanLink, { links }: VxlanEvidence): readonly Verdict[] {
  const outer = links.find((link) => link.name === vxlan.outer);
  const verdicts: Verdict[] = [];
  if (vxlan.outer !== undefined && outer === undefined)
    verdicts.push(problem(`${name} sends over ${vxlan.outer}, which this host has not`, restart));
  if (outer?.isUp === false)
    verdicts.push(problem(`${name} sends over ${outer.name}, which is down`, `ip link set dev ${shellWord(outer.name)} up`));
  const { local } = vxlan;
  const isOurs = local === undefined || links.some((link) => link.addresses.some((own) => isSameAddress(own.address, local)));
  if (!isOurs)
    verdicts.push(problem(`${name} sends from ${formatAddress(local)}, which no interface of this host has`, restart));
  return verdicts;
}

function judgeAddress(device: VxlanLink, { mode }: VxlanEvidence): readonly Verdict[] {
  const has = ([4, 6] as const).some((family) => globalAddresses(device, family).length > 0);
  if (mode === 'l2' || has) return [];
  return [problem(`${device.name} has no address: what this host itself sends to other hosts' containers has none`, restart)];
}

function judgePort(device: VxlanLink, { vxlans, sockets, seesHolders }: VxlanEvidence): readonly Verdict[] {
  const { name, isUp, vxlan } = device;
  const up = `ip link set dev ${shellWord(name)} up`;
  const rival = vxlans.find((other) => cannotShare(other, device));
  if (rival !== undefined)
    return [
      problem(
        `${name} and ${rival.name} have UDP port ${vxlan.port} with settings that cannot share it${isUp ? '' : `: ${name} is down`}`,
        `give the overlay another port, or remove ${rival.name} if nobody needs it, and then: ${up}`,
      ),
    ];
  if (isUp) return [];
  const taken = sockets.find(({ port, family }) => port === vxlan.port && blocks(family, familyOf(device)));
  // The kernel's own socket is there as long as one device of the port is up.
  const isKernels = vxlans.some((other) => other.isUp && other.vxlan.port === vxlan.port);
  if (taken === undefined || isKernels) return [problem(`${name} is down`, up)];
  const who = taken.holder ?? (seesHolders ? 'something that shows no process' : 'a process that only root can see');
  return [problem(`${name} is down: its UDP port ${vxlan.port} is taken by ${who}`, `end that, or give the overlay another port; then: ${up}`)];
}

/** The kernel refuses it when the second of them is to come up. */
function cannotShare(one: VxlanLink, other: VxlanLink): boolean {
  if (one.name === other.name || one.vxlan.port !== other.vxlan.port) return false;
  const meet = familyOf(one) === undefined || familyOf(other) === undefined || familyOf(one) === familyOf(other);
  return meet && one.vxlan.receiving.join() !== other.vxlan.receiving.join();
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
