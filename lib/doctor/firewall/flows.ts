import { CniError } from '../../errors/cni-error.ts';
import type { Machine } from '../../exec/machine.ts';
import type { Cidr } from '../../net/cidr.ts';
import { observeOuter } from '../../overlay/kernel/outer.ts';
import { Unseen } from '../ask.ts';
import { listPools } from '../routed/seen-pools.ts';
import { listWays } from '../routed/seen-ways.ts';
import type { Scene } from '../scene.ts';
import { bridgeFlows } from './bridge-flows.ts';
import { endpointFlows } from './endpoint-flows.ts';
import type { Flow } from './firewall.ts';

/** The ways that containers' packets have to go on this host. @throws Unseen */
export async function flowsOf(scene: Scene): Promise<readonly Flow[]> {
  const outside = outsideOf(scene.machine);
  const [links, overlay] = [scene.links(), scene.overlay()];
  const isFiltered = scene.machine.readProc('/proc/sys/net/bridge/bridge-nf-call-iptables') === '1';
  return [...bridgeFlows({ links, overlay, outside, isFiltered }), ...(await routedFlows(scene, outside))];
}

function outsideOf(machine: Machine): string | undefined {
  try {
    return observeOuter({ interface: undefined, publicAddresses: {} }, machine).name;
  } catch (error) {
    if (error instanceof CniError) return undefined;
    throw error;
  }
}

async function routedFlows(scene: Scene, outside: string | undefined): Promise<readonly Flow[]> {
  const endpoints = new Set(scene.endpoints().map(({ name }) => name));
  if (endpoints.size === 0 && !scene.agentFile().hasBlocks) return [];
  const pools = await poolsOf(scene);
  return endpointFlows({ pools, endpoints, ways: listWays(scene.machine), outside });
}

/** An agent that does not answer is another check's matter: what there is already can be followed without it. */
async function poolsOf(scene: Scene): Promise<readonly Cidr[]> {
  try {
    return ((await listPools(scene)) ?? []).map(({ cidr }) => cidr);
  } catch (error) {
    if (error instanceof Unseen) return [];
    throw error;
  }
}
