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
  /** The host's registry, which ours has at a place of its own; undefined where nothing is registered. */
  readonly store: string | undefined;
  /** Under which services its containers are registered; undefined: each under its own name. */
  readonly service: string | undefined;
  readonly ipMasq: boolean;
  readonly plugin: PluginName;
};

/** By which plugin containers are attached; the reference has no `routed`. */
export type PluginName = 'bridge' | 'ptp' | 'routed';

/** How a network differs from one that only attaches, and that ours registers as it does by default. */
export type NetworkOptions = {
  readonly ipMasq?: boolean;
  readonly plugin?: PluginName;
  readonly registers?: boolean;
  readonly service?: string;
};

/** An interface in a container. */
export type Attachment = {
  readonly containerId: string;
  /** Path of the container's network namespace. */
  readonly netns: string;
  readonly ifName: string;
  /** Only one interface of a container can have the default route. */
  readonly hasDefaultRoute: boolean;
  /** Tells it from all that are attached at the same time, where more than its name must be its own; default 0. */
  readonly number?: number;
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
  { ipMasq = false, plugin = 'bridge', registers = side.name === 'ours', service }: NetworkOptions,
): Promise<Network> {
  const host = await rig.host();
  return {
    side,
    host,
    ipMasq,
    plugin,
    service,
    name: `fl-${side.name}`,
    dataDir: `${rig.dir}/${host.name}`,
    store: registers ? storeOf(rig, host) : undefined,
  };
}

/** The path of a host's registry: the bench's must never be the machine's own. */
export function storeOf({ dir }: Rig, { name }: Host): string {
  return `${dir}/${name}.registry/registry.db`;
}

/** ADD or DEL, measured. */
export function attach(verb: 'ADD' | 'DEL', network: Network, attachment: Attachment): Promise<Outcome> {
  return network.host.call(toCall(verb, network, attachment));
}

/** The call by which the network's plugin, of its side, attaches or detaches. */
export function toCall(verb: 'ADD' | 'DEL', network: Network, attachment: Attachment): Call {
  return toPluginCall(verb, { network, attachment, conf: toConf(network, attachment) });
}

/** The configuration of one plugin, for an attachment to a network. */
export type PluginConf = {
  readonly network: Network;
  readonly attachment: Attachment;
  readonly conf: Conf;
};

/** A plugin's configuration. */
export type Conf = { readonly type: string; readonly [field: string]: unknown };

/** The call of any plugin of a network's side. */
export function toPluginCall(verb: 'ADD' | 'DEL', { network, attachment, conf }: PluginConf): Call {
  const { binDir } = network.side;
  return {
    file: `${binDir}/${conf.type}`,
    env: {
      PATH: toolPath,
      CNI_COMMAND: verb,
      CNI_CONTAINERID: attachment.containerId,
      CNI_NETNS: attachment.netns,
      CNI_IFNAME: attachment.ifName,
      CNI_PATH: binDir,
    },
    stdin: JSON.stringify(conf),
  };
}

/** The configuration of the network's plugin. */
export function toConf(network: Network, { hasDefaultRoute }: Attachment): Conf {
  const { name, ipMasq, dataDir, plugin } = network;
  const byBridge = { bridge: name, isGateway: true, isDefaultGateway: hasDefaultRoute };
  // The reference's ptp sets the default route only where IPAM names one.
  const routes = plugin === 'ptp' && hasDefaultRoute ? { routes: [{ dst: '0.0.0.0/0' }] } : {};
  return {
    cniVersion: '1.0.0',
    name,
    type: plugin,
    ...(plugin === 'bridge' ? byBridge : {}),
    ipMasq,
    ipam: { type: 'host-local', dataDir, ranges: [[{ subnet }]], ...routes },
    ...registryOf(network),
  };
}

/** The reference knows no registry. */
function registryOf({ side, store, service }: Network): object {
  if (side.name === 'reference') return {};
  return { registry: store === undefined ? false : { store, service } };
}
