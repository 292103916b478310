import type { Machine } from '../../exec/machine.ts';
import type { Link } from '../../iproute/parse.ts';
import { sysctlPath } from '../../net/sysctl.ts';
import { containerBridges } from '../bridges.ts';
import type { Check } from '../check.ts';
import { globalAddresses } from '../link-addresses.ts';
import type { Scene } from '../scene.ts';
import { type ForwardingEvidence, type ForwardingLink, judgeForwarding } from './judge-forwarding.ts';

/** Whether the kernel passes on what comes from containers and from the overlay. */
export const forwarding: Check<ForwardingEvidence> = {
  id: 'forwarding',
  title: 'forwarding',
  observe: (scene) => ({
    isOn: {
      4: isSet(scene.machine, 'ipv4/ip_forward'),
      6: isSet(scene.machine, sysctlPath('ipv6', 'all', 'forwarding')),
    },
    links: linksOf(scene).map((link) => observeSettings(link, scene.machine)),
  }),
  judge: judgeForwarding,
};

function linksOf(scene: Scene): readonly Link[] {
  const { devices = [], bridges = [] } = scene.overlay() ?? {};
  return [...new Set([...containerBridges(scene.links()), ...bridges, ...devices])];
}

function observeSettings(link: Link, machine: Machine): ForwardingLink {
  const { name } = link;
  // The kernel takes the stricter of the two.
  const filters = ['all', name].map((each) => numberOf(machine, sysctlPath('ipv4', each, 'rp_filter')));
  const families = ([4, 6] as const).filter((family) => globalAddresses(link, family).length > 0);
  return {
    name,
    families,
    closed: families.filter((family) => !isSet(machine, sysctlPath(versions[family], name, 'forwarding'))),
    rpFilter: Math.max(...filters),
  };
}

const versions = { 4: 'ipv4', 6: 'ipv6' } as const;

function isSet(machine: Machine, path: string): boolean {
  return numberOf(machine, path) !== 0;
}

function numberOf({ readProc }: Machine, path: string): number {
  return Number(readProc(`/proc/sys/net/${path}`) ?? 0);
}
