import { hostName, serviceName, startAgent } from './agent.ts';
import { addressesOf } from './call.ts';
import type { Context } from './context.ts';
import { openNetwork, toCall } from './network.ts';
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

const service = 'web';

/** Containers come and go; after each ADD and each DEL the container's own name and that of its service are asked for. */
export async function measureResolvable(context: Context): Promise<Resolvable> {
  await using rig = new Rig(context, 'resolvable');
  const network = await openNetwork(rig, context.ours, { service });
  const agent = await startAgent(rig, network.host, context.ours);
  const netns = await rig.container();
  const cycles = context.isQuick ? 100 : 1_000;
  let [wrongAfterAdd, wrongAfterDel] = [0, 0];
  for (let cycle = 1; cycle <= cycles; cycle++) {
    context.progress.tell(`resolvable: cycle ${cycle} of ${cycles}`);
    context.interruption.throwIfAborted();
    agent.requireAlive();
    const attachment = { containerId: `cycle-${cycle}`, netns, ifName: 'eth0', hasDefaultRoute: true };
    const names = [hostName(attachment.containerId, network.name), serviceName(service)];
    const callAndAsk = (verb: 'ADD' | 'DEL') =>
      network.host.callAndAsk(toCall(verb, network, attachment), { port: agent.port, names });
    const added = await callAndAsk('ADD');
    const [address] = addressesOf(added.outcome);
    wrongAfterAdd += added.resolutions.filter((each) => !leadsTo(each, address)).length;
    const deleted = await callAndAsk('DEL');
    wrongAfterDel += deleted.resolutions.filter((each) => !leadsNowhere(each)).length;
  }
  return { cycles, wrongAfterAdd, wrongAfterDel };
}
