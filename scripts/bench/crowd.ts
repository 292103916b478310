import type { Context } from './context.ts';
import { type Network, toCall } from './network.ts';
import type { Rig } from './rig.ts';

/** Started together, to have it over sooner; more would only wait for each other. */
const atOnce = 4;

/**
 * Attaches so many containers to a network; they stay until the rig goes. They are interfaces of one namespace:
 * nothing of what is measured can tell, and a thousand namespaces would take minutes to make.
 */
export async function attachCrowd(
  { rig, network, count }: { rig: Rig; network: Network; count: number },
  { progress }: Context,
): Promise<void> {
  if (count === 0) return;
  const netns = await rig.container();
  const attachments = Array.from({ length: count }, (_, at) => ({
    containerId: `crowd-${at}`,
    netns,
    ifName: `eth${at}`,
    hasDefaultRoute: false,
  }));
  for (let done = 0; done < count; done += atOnce) {
    progress.tell(`attaching ${count} to ${network.name}: ${done}`);
    const group = attachments.slice(done, done + atOnce);
    await network.host.callAtOnce(group.map((attachment) => toCall('ADD', network, attachment)));
  }
}
