import type { Link } from '../../iproute/parse.ts';
import type { VxlanLink } from '../../iproute/parse-vxlan.ts';
import { orOk, problem, skipped, type Verdict } from '../check.ts';
import { noOverlay } from '../no-overlay.ts';
import type { Overlay } from '../overlay.ts';
import { shellWord } from '../shell-word.ts';
import { outerSize } from './outer-size.ts';

export type MtuEvidence = Pick<Overlay, 'devices' | 'bridges'> & {
  /** Bytes that containers are told to send at most. */
  readonly told: number | undefined;
  readonly links: readonly Link[];
};

export function judgeMtu(evidence: MtuEvidence | undefined): readonly Verdict[] {
  if (evidence === undefined) return noOverlay;
  const { devices, bridges, told, links } = evidence;
  if (devices.length === 0) return [skipped('there is no VXLAN device')];
  const carried = Math.min(...devices.map(({ mtu }) => mtu));
  const ports = links.filter((link) => isContainers(link, bridges));
  return orOk(
    [
      ...devices.flatMap((device) => judgeDevice(device, links)),
      ...(told === undefined || told <= carried ? [] : [judgeTold(told, carried)]),
      ...judgePorts(ports, carried),
    ],
    `${devices.map(({ name, mtu }) => `${name} carries ${mtu}`).join(', ')}; containers send no more`,
  );
}

/** The host's end of a container's veth pair; both ends are made with one MTU. */
function isContainers({ kind, master }: Link, bridges: readonly Link[]): boolean {
  return kind === 'veth' && bridges.some(({ name }) => name === master);
}

function judgeDevice(device: VxlanLink, links: readonly Link[]): readonly Verdict[] {
  const outer = links.find(({ name }) => name === device.vxlan.outer);
  const size = outerSize(device);
  if (outer === undefined || size <= outer.mtu) return [];
  const fitting = device.mtu - (size - outer.mtu);
  return [
    problem(
      `${device.name} has MTU ${device.mtu}, which makes packets of ${size} bytes, and ${outer.name} carries ${outer.mtu}`,
      `ip link set dev ${shellWord(device.name)} mtu ${fitting}, and make the containers anew; or raise the MTU of ${outer.name}`,
    ),
  ];
}

function judgeTold(told: number, carried: number): Verdict {
  return problem(
    `containers are told an MTU of ${told} (FLANNEL_MTU), and the overlay carries ${carried}`,
    'systemctl restart fairlead-agent (or flanneld), which writes the file anew; then make the containers anew',
  );
}

function judgePorts(ports: readonly Link[], carried: number): readonly Verdict[] {
  const wide = ports.filter(({ mtu }) => mtu > carried);
  const [widest] = wide.toSorted((one, other) => other.mtu - one.mtu);
  if (widest === undefined) return [];
  return [
    problem(
      `containers send packets of up to ${widest.mtu} bytes (${wide.length} of ${ports.length} on ${widest.master}, such as ${widest.name}), and the overlay carries ${carried}`,
      `make them anew with "mtu": ${carried} in the network's configuration, or with none, where the plugin knows the overlay`,
    ),
  ];
}
