import type { Machine } from '../../exec/machine.ts';
import { listOf, objectOf, parseObjects, textOf } from '../../iproute/json.ts';
import { parseFdb, type VxlanLink } from '../../iproute/parse-vxlan.ts';
import { formatAddress, type IpAddress, isSameAddress } from '../../net/address.ts';
import { parseIfName } from '../../net/ifname.ts';
import { ask, firstLine } from '../ask.ts';
import type { Check } from '../check.ts';
import type { Scene } from '../scene.ts';
import { judgePathMtu, type PathEvidence, type PeerPath } from './judge-path-mtu.ts';
import { outerFamily, outerSize } from './outer-size.ts';
import { probePath } from './probe-path.ts';

/** Whether the other hosts are reached, by packets of full size, too. */
export const pathMtu: Check<PathEvidence> = {
  id: 'path-mtu',
  title: 'way to other hosts',
  observe: (scene) => {
    const devices = scene.overlay()?.devices ?? [];
    const known = [...scene.peers, ...devices.flatMap((device) => peersOf(device, scene.machine))];
    const peers = known.filter(
      (peer, index) => known.findIndex((other) => isSameAddress(other, peer)) === index,
    );
    const tried = peers.slice(0, mostPeers).map((peer) => observePath(peer, devices, scene));
    return { paths: tried, untried: peers.length - tried.length };
  },
  judge: judgePathMtu,
};

/** A host that is away costs two seconds. */
const mostPeers = 8;

/** To whom a device sends; nobody else is sent anything by us, unless the operator names him. */
function peersOf({ name }: VxlanLink, machine: Machine): readonly IpAddress[] {
  const device = parseIfName(name);
  if (device === undefined) return [];
  const { fdb, flood } = parseFdb(ask(machine, 'bridge', ['-j', 'fdb', 'show', 'dev', device]), device);
  return [...fdb, ...flood].map(({ dst }) => dst);
}

function observePath(peer: IpAddress, devices: readonly VxlanLink[], scene: Scene): PeerPath {
  const address = formatAddress(peer);
  const asked = scene.machine.run({ file: 'ip', args: ['-j', 'route', 'get', address] });
  if (asked.status !== 0) return { peer: address, route: undefined, because: firstLine(asked) };
  const route = parseWay(asked.stdout);
  const link = scene.links().find(({ name }) => name === route.dev);
  // What this host's own interface cannot carry is found out about the interface, not once more for each peer.
  const size = Math.min(neededFor(peer, devices) ?? largest, link?.mtu ?? usualMtu, largest);
  return { peer: address, route, size, probe: probePath(peer, size, scene.machine) };
}

/** Ethernet's; and what a ping can have, with room for its headers. */
const usualMtu = 1500;
const largest = 65_000;

function neededFor(peer: IpAddress, devices: readonly VxlanLink[]): number | undefined {
  const sizes = devices.filter(({ vxlan }) => outerFamily(vxlan) === peer.family).map(outerSize);
  return sizes.length === 0 ? undefined : Math.max(...sizes);
}

/** Output of `ip -j route get`; an MTU is there where the route states one, or routers have told a smaller one. */
function parseWay(text: string): { readonly dev: string; readonly mtu: number | undefined } {
  const [route = {}] = parseObjects(text);
  const { mtu } = objectOf(listOf(route.metrics)[0]);
  return { dev: textOf(route.dev), mtu: typeof mtu === 'number' ? mtu : undefined };
}
