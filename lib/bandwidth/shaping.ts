import { defaultMtu, ownerAlias } from '../attach/endpoint.ts';
import type { Endpoint } from '../capability/endpoint.ts';
import type { AttachmentId } from '../cni/invocation.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import type { Machine } from '../exec/machine.ts';
import { hash64 } from '../net/hash.ts';
import type { IfName } from '../net/ifname.ts';
import { deriveMac, type Mac } from '../net/mac.ts';
import { sysctlPath } from '../net/sysctl.ts';
import type { AddTokenBucket } from '../tc/operation.ts';
import type { Bandwidth, Limit } from './config.ts';

/** How an endpoint's limits are to stand in the kernel. */
export type Shaping = {
  /** The host's end of the container's interface: what it sends, the container receives. */
  readonly hostEnd: IfName;
  /** Undefined for no limit. */
  readonly ingress: AddTokenBucket | undefined;
  readonly egress: { readonly device: Device; readonly bucket: AddTokenBucket } | undefined;
};

/** The device that holds up what a container sends: a link can only hold up what it sends itself. */
export type Device = {
  readonly name: IfName;
  readonly mac: Mac;
  /** Bytes. */
  readonly mtu: number;
  /** Says whose it is. */
  readonly alias: string;
};

/**
 * The name of an attachment's device: `ifb` and 12 hex digits, derived, so that DEL needs no memory.
 * It is none of the reference's (`bwp…`), which are made from the network and the container alone.
 */
export function deviceName({ containerId, ifName }: AttachmentId): IfName {
  return `ifb${hash64(`${containerId}/${ifName}`).slice(0, 12)}` as IfName;
}

/**
 * What limits mean at an endpoint. Everything is on the host's side, out of the container's reach.
 * @throws CniError code 7 for an endpoint without an end on the host
 */
export function shapingAt(
  endpoint: Endpoint,
  { ingress, egress }: Bandwidth,
  machine: Pick<Machine, 'readProc'>,
): Shaping {
  const { hostEnd } = endpoint;
  if (hostEnd === undefined) throw withoutHostEnd(endpoint);
  const mtu = endpoint.mtu ?? readMtu(hostEnd, machine);
  const device = describeDevice(endpoint, mtu);
  return {
    hostEnd,
    ingress: ingress === undefined ? undefined : toBucket(hostEnd, ingress, mtu),
    egress: egress === undefined ? undefined : { device, bucket: toBucket(device.name, egress, mtu) },
  };
}

/** The device's MAC; derived, so that the result can name it without asking. */
export function deviceMac(name: IfName): Mac {
  return deriveMac(name);
}

function describeDevice({ network, attachment }: Endpoint, mtu: number): Device {
  const name = deviceName(attachment);
  return { name, mac: deviceMac(name), mtu, alias: ownerAlias(network, attachment) };
}

/** A result before 1.1.0 does not tell the MTU. */
function readMtu(hostEnd: IfName, { readProc }: Pick<Machine, 'readProc'>): number {
  const found = Number(readProc(`/proc/sys/net/${sysctlPath('ipv6', hostEnd, 'mtu')}`));
  return found > 0 ? found : defaultMtu;
}

/** What Ethernet and a VLAN put in front of a packet. */
const headerBytes = 18;

/** How long a packet waits at the most when the burst is used up, in seconds; the reference's. */
const latency = 0.025;

const largest32 = 2 ** 32 - 1;

/** The kernel drops what is larger than the burst: one that is smaller than a packet would cut the container off. */
function toBucket(link: IfName, limit: Limit, mtu: number): AddTokenBucket {
  const burst = Math.max(limit.burst, mtu + headerBytes);
  const waiting = Math.floor((limit.rate / 8) * latency);
  return {
    kind: 'add-token-bucket',
    link,
    rate: limit.rate,
    burst,
    limit: Math.min(waiting + burst, largest32),
  };
}

function withoutHostEnd({ attachment: { containerId, ifName } }: Endpoint): CniError {
  return new CniError(
    ErrorCode.invalidConfig,
    `bandwidth: ${ifName} of container ${containerId} has no end on the host that could be limited (only a veth pair has one); remove the limit`,
  );
}
