import type { Machine } from '../../exec/machine.ts';
import { type Family, isSameAddress, parseAddress } from '../../net/address.ts';
import { cidrContains } from '../../net/cidr.ts';
import { sysctlPath } from '../../net/sysctl.ts';
import type { Check } from '../check.ts';
import type { Scene } from '../scene.ts';
import type { Endpoint } from './endpoint.ts';
import { judgeEndpoints } from './judge-endpoints.ts';
import type { EndpointsEvidence, SeenEndpoint } from './seen-endpoint.ts';
import { listWays, type SeenWay } from './seen-ways.ts';

/** Whether containers with a link of their own find their gateway, and are passed on from it. */
export const endpoints: Check<EndpointsEvidence | undefined> = {
  id: 'endpoints',
  title: 'routed containers',
  observe: (scene) => {
    const seen = scene.endpoints();
    if (seen.length === 0 && !scene.agentFile().hasBlocks) return undefined;
    const ways = listWays(scene.machine);
    return {
      isOn: {
        4: numberOf(scene.machine, 'ipv4/ip_forward') !== 0,
        6: numberOf(scene.machine, sysctlPath('ipv6', 'all', 'forwarding')) !== 0,
      },
      gateway: { isOwn: isOwn(scene), isCovered: isCovered(ways) },
      ofAll: { rpFilter: filterOf('all', scene.machine), arpIgnore: ignoreOf('all', scene.machine) },
      endpoints: seen.map((endpoint) => observeEndpoint(endpoint, ways, scene.machine)),
    };
  },
  judge: judgeEndpoints,
};

const gateway = parseAddress('169.254.1.1');

function isOwn(scene: Scene): boolean {
  return scene
    .links()
    .some(({ addresses }) =>
      addresses.some(({ address }) => gateway !== undefined && isSameAddress(address, gateway)),
    );
}

function isCovered(ways: readonly SeenWay[]): boolean {
  return ways.some(
    ({ kind, dst }) => kind === 'unicast' && gateway !== undefined && cidrContains(dst, gateway),
  );
}

const versions = { 4: 'ipv4', 6: 'ipv6' } as const;

function observeEndpoint(
  { name, wiring, group }: Endpoint,
  ways: readonly SeenWay[],
  machine: Machine,
): SeenEndpoint {
  const own = ways.filter(({ dev }) => dev === name);
  const families = ([4, 6] as const).filter((family) => own.some((way) => leadsToContainer(way, family)));
  const isClosed = (family: Family) =>
    numberOf(machine, sysctlPath(versions[family], name, 'forwarding')) === 0;
  return {
    name,
    wiring,
    group,
    families,
    closed: families.filter(isClosed),
    hasProxyArp: numberOf(machine, sysctlPath('ipv4', name, 'proxy_arp')) !== 0,
    rpFilter: filterOf(name, machine),
    arpIgnore: ignoreOf(name, machine),
  };
}

/** Every link with IPv6 has a route to fe80::/64. */
function leadsToContainer({ dst }: SeenWay, family: Family): boolean {
  return dst.address.family === family && dst.prefixLength === (family === 4 ? 32 : 128);
}

function filterOf(ifName: string, machine: Machine): number {
  return numberOf(machine, sysctlPath('ipv4', ifName, 'rp_filter'));
}

function ignoreOf(ifName: string, machine: Machine): number {
  return numberOf(machine, sysctlPath('ipv4', ifName, 'arp_ignore'));
}

function numberOf({ readProc }: Machine, path: string): number {
  return Number(readProc(`/proc/sys/net/${path}`) ?? 0);
}
