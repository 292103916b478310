import { ipamConf } from './confs.ts';
import { mustInside } from './process.ts';
import { type Conf, Rig } from './rig.ts';

/** What the tests' `routed` network leases from without an agent, and what its first containers get. */
export const routed4 = { range: { subnet: '10.50.0.0/24' }, first: '10.50.0.2', second: '10.50.0.3' };
export const routed6 = { range: { subnet: 'fd00:50::/64' }, first: 'fd00:50::2', second: 'fd00:50::3' };

/** A host whose loopback interface is up, as every host's is. */
export async function routedHost(): Promise<Rig> {
  const rig = await Rig.create();
  await mustInside(rig.host, 'ip', 'link', 'set', 'dev', 'lo', 'up');
  return rig;
}

/** A `routed` network of both families with an IPAM of its own; fields given are set over it. */
export function routedConf(rig: Rig, changes: Conf = {}): Conf {
  return {
    cniVersion: '1.1.0',
    name: 'net',
    type: 'routed',
    ipam: ipamConf(rig, [[routed4.range], [routed6.range]]),
    ...changes,
  };
}
