import { type Call, type Outcome, toolPath } from './call.ts';
import type { Side } from './context.ts';
import type { Host } from './host.ts';
import type { Rig } from './rig.ts';

/** One side's network on a host of its own, under that side's own name. */
export type Network = {
  readonly side: Side;
  readonly host: Host;
  readonly name: string;
  /** Where host-local keeps its leases. */
  readonly dataDir: string;
  readonly ipMasq: boolean;
};

/** An interface in a container. */
export type Attachment = {
  readonly containerId: string;
  /** Path of the container's network namespace. */
  readonly netns: string;
  readonly ifName: string;
  /** Only one interface of a container can have the default route. */
  readonly hasDefaultRoute: boolean;
};

/** With room for 65,533 containers. */
const subnet = '10.22.0.0/16';

/** The address of the network's container of that number, counted from 0: after the network's own and the gateway. */
export function addressOf(at: number): string {
  const host = at + 2;
  return `10.22.${host >> 8}.${host & 255}`;
}

/** A host with a network on which nobody is yet. */
export async function openNetwork(
  rig: Rig,
  side: Side,
  { ipMasq }: Pick<Network, 'ipMasq'>,
): Promise<Network> {
  const host = await rig.host();
  return { side, host, ipMasq, name: `fl-${side.name}`, dataDir: `${rig.dir}/${host.name}` };
}

/** ADD or DEL, measured. */
export function attach(verb: 'ADD' | 'DEL', network: Network, attachment: Attachment): Promise<Outcome> {
  return network.host.call(toCall(verb, network, attachment));
}

/** The call by which the plugin `bridge` of the network's side attaches, or detaches. */
export function toCall(verb: 'ADD' | 'DEL', network: Network, attachment: Attachment): Call {
  const { binDir } = network.side;
  return {
    file: `${binDir}/bridge`,
    env: {
      PATH: toolPath,
      CNI_COMMAND: verb,
      CNI_CONTAINERID: attachment.containerId,
      CNI_NETNS: attachment.netns,
      CNI_IFNAME: attachment.ifName,
      CNI_PATH: binDir,
    },
    stdin: JSON.stringify(toConf(network, attachment)),
  };
}

function toConf({ name, ipMasq, dataDir }: Network, { hasDefaultRoute }: Attachment): object {
  return {
    cniVersion: '1.0.0',
    name,
    type: 'bridge',
    bridge: name,
    isGateway: true,
    isDefaultGateway: hasDefaultRoute,
    ipMasq,
    ipam: { type: 'host-local', dataDir, ranges: [[{ subnet }]] },
  };
}
