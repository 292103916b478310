import type { Call, Outcome } from './call.ts';
import type { Host } from './host.ts';
import { type Attachment, type Network, toCall } from './network.ts';

/** How containers are attached to a host, and detached. */
export type Attaching = {
  /** What they are attached to, for the progress. */
  readonly name: string;
  readonly host: Host;
  readonly toAdd: (attachment: Attachment) => Call;
  /** @param added how the attachment's ADD ended */
  readonly toDel: (attachment: Attachment, added: Outcome) => Call;
};

/** By the network's one plugin. */
export function attachingOf(network: Network): Attaching {
  return {
    name: network.name,
    host: network.host,
    toAdd: (attachment) => toCall('ADD', network, attachment),
    toDel: (attachment) => toCall('DEL', network, attachment),
  };
}

/** Attaches and detaches a container so many times. */
export async function attachAgain(
  { host, toAdd, toDel }: Attaching,
  netns: string,
  times: number,
): Promise<void> {
  for (let time = 0; time < times; time++) {
    const attachment = { containerId: `again-${time}`, netns, ifName: 'eth0', hasDefaultRoute: true };
    await host.call(toDel(attachment, await host.call(toAdd(attachment))));
  }
}
