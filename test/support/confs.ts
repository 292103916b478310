import type { Conf, Rig } from './rig.ts';

/** The subnets of the tests' usual network, and the addresses that its first containers get. */
export const v4 = { subnet: '10.22.0.0/24', gateway: '10.22.0.1', first: '10.22.0.2', second: '10.22.0.3' };
export const v6 = {
  subnet: 'fd00:22::/64',
  gateway: 'fd00:22::1',
  first: 'fd00:22::2',
  second: 'fd00:22::3',
};

/** A bridge network with a gateway and host-local; fields given are set over it. */
export function bridgeConf(rig: Rig, changes: Conf = {}): Conf {
  return {
    cniVersion: '1.1.0',
    name: 'net',
    type: 'bridge',
    bridge: 'br0',
    isDefaultGateway: true,
    ipam: ipamConf(rig),
    ...changes,
  };
}

/** The same network with both families. */
export function dualConf(rig: Rig, changes: Conf = {}): Conf {
  return bridgeConf(rig, {
    ipam: ipamConf(rig, [[{ subnet: v4.subnet }], [{ subnet: v6.subnet }]]),
    ...changes,
  });
}

/** host-local over one subnet, or over the range sets given. */
export function ipamConf(
  rig: Pick<Rig, 'dataDir'>,
  ranges: readonly (readonly object[])[] = [[{ subnet: v4.subnet }]],
): { readonly type: string; readonly dataDir: string; readonly ranges: readonly object[] } {
  return { type: 'host-local', dataDir: rig.dataDir, ranges };
}

/** A configuration for host-local alone. */
export function hostLocalConf(rig: Pick<Rig, 'dataDir'>, changes: Conf = {}): Conf {
  return { cniVersion: '1.1.0', name: 'net', type: 'host-local', ipam: ipamConf(rig), ...changes };
}

/** The bare addresses of a result, in its order. */
export function ipsOf(result: { readonly ips?: readonly { address: string }[] }): readonly string[] {
  return (result.ips ?? []).map(({ address }) => address.replace(/\/.*/, ''));
}
