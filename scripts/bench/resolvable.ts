import { type Agent, hostName, serviceName, startAgent } from './agent.ts';
import { addressesOf } from './call.ts';
import type { Context } from './context.ts';
import { type Network, openNetwork, toCall } from './network.ts';
import { leadsNowhere, leadsTo } from './question.ts';
import { Rig } from './rig.ts';

/** How often a name did not lead where it should at the moment when a call returned. */
export type Resolvable = {
  readonly cycles: number;
  /** After an ADD not the container's address and nothing else. */
  readonly wrongAfterAdd: number;
  /** After a DEL anything, or no answer at all. */
  readonly wrongAfterDel: number;
};

/** Hosts on which containers come and go at the same time: one alone would take twice as long. */
const lanes = 2;

/** After each ADD and each DEL the container's own name and that of its service are asked for. */
export async function measureResolvable(context: Context): Promise<Resolvable> {
  await using rig = new Rig(context, 'resolvable');
  const cycles = context.isQuick ? 100 : 1_000;
  const results = await Promise.all(
    Array.from({ length: lanes }, async () => {
      const lane = await openLane(rig, context);
      return await runLane(lane, cycles / lanes, context);
    }),
  );
  const sum = (of: (result: Wrong) => number) => results.reduce((total, result) => total + of(result), 0);
  return {
    cycles,
    wrongAfterAdd: sum(({ afterAdd }) => afterAdd),
    wrongAfterDel: sum(({ afterDel }) => afterDel),
  };
}

type Lane = { readonly network: Network; readonly agent: Agent; readonly netns: string };

type Wrong = { readonly afterAdd: number; readonly afterDel: number };

const service = 'web';

async function openLane(rig: Rig, { ours }: Context): Promise<Lane> {
  const network = await openNetwork(rig, ours, { service });
  return { network, agent: await startAgent(rig, network.host, ours), netns: await rig.container() };
}

async function runLane(lane: Lane, cycles: number, { progress, interruption }: Context): Promise<Wrong> {
  let [afterAdd, afterDel] = [0, 0];
  for (let cycle = 1; cycle <= cycles; cycle++) {
    progress.tell(`resolvable: cycle ${cycle} of ${cycles}`);
    interruption.throwIfAborted();
    lane.agent.requireAlive();
    const wrong = await runCycle(lane, `cycle-${cycle}`);
    afterAdd += wrong.afterAdd;
    afterDel += wrong.afterDel;
  }
  return { afterAdd, afterDel };
}

/** One container comes and goes. */
async function runCycle({ network, agent, netns }: Lane, containerId: string): Promise<Wrong> {
  const attachment = { containerId, netns, ifName: 'eth0', hasDefaultRoute: true };
  const questions = {
    port: agent.port,
    names: [hostName(containerId, network.name), serviceName(service)],
  };
  const added = await network.host.callAndAsk(toCall('ADD', network, attachment), questions);
  const [address] = addressesOf(added.outcome);
  const deleted = await network.host.callAndAsk(toCall('DEL', network, attachment), questions);
  return {
    afterAdd: added.resolutions.filter((each) => !leadsTo(each, address)).length,
    afterDel: deleted.resolutions.filter((each) => !leadsNowhere(each)).length,
  };
}
