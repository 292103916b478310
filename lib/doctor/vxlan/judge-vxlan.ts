import type { Link } from '../../iproute/parse.ts';
import type { VxlanLink } from '../../iproute/parse-vxlan.ts';
import { formatAddress, isSameAddress } from '../../net/address.ts';
import { orOk, problem, skipped, type Verdict, warning } from '../check.ts';
import { globalAddresses } from '../link-addresses.ts';
import { noOverlay } from '../no-overlay.ts';
import type { Overlay } from '../overlay.ts';
import { shellWord } from '../shell-word.ts';
import { judgePort } from './judge-vxlan-port.ts';
import type { UdpSocket } from './udp-sockets.ts';

export type VxlanEvidence = Pick<Overlay, 'devices' | 'absent' | 'mode' | 'subnets'> & {
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
  if (devices.length === 0 && absent.length === 0) return judgeNone(evidence);
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

/** Flannel's: which it is to be is known by the device, or to etcd. */
const usualPort = 8472;

function judgeNone({ sockets, subnets }: VxlanEvidence): readonly Verdict[] {
  const taken = sockets
    .filter(({ port, holder }) => port === usualPort && holder !== undefined)
    .map(
      ({ holder }) => `UDP port ${usualPort} is taken by ${holder}: a VXLAN device on it could not come up`,
    )
    .map((found) => warning(found, 'end that program, or give the overlay another port'));
  const none =
    subnets.length === 0
      ? skipped('there is no VXLAN device yet: this host has no subnet')
      : warning(
          'this host has a subnet of an overlay, and no VXLAN device',
          `${restart}; a flanneld with another backend than vxlan needs none`,
        );
  return [...taken, none];
}

function judgeUnderlay({ name, vxlan }: VxlanLink, { links }: VxlanEvidence): readonly Verdict[] {
  const { local, outer: outerName } = vxlan;
  const outer = links.find((link) => link.name === outerName);
  const hasLocal = links.some(({ addresses }) =>
    addresses.some(({ address }) => local !== undefined && isSameAddress(address, local)),
  );
  return [
    ...(outerName === undefined || outer !== undefined
      ? []
      : [problem(`${name} sends over ${outerName}, which this host has not`, restart)]),
    ...(outer === undefined || outer.isUp
      ? []
      : [
          problem(
            `${name} sends over ${outer.name}, which is down`,
            `ip link set dev ${shellWord(outer.name)} up`,
          ),
        ]),
    ...(local === undefined || hasLocal
      ? []
      : [
          problem(`${name} sends from ${formatAddress(local)}, which no interface of this host has`, restart),
        ]),
  ];
}

function judgeAddress(device: VxlanLink, { mode }: VxlanEvidence): readonly Verdict[] {
  const hasOne = ([4, 6] as const).some((family) => globalAddresses(device, family).length > 0);
  if (mode === 'l2' || hasOne) return [];
  return [problem(`${device.name} has no address, so this host itself has none on the overlay`, restart)];
}
