import type { Attachment } from '../cni/invocation.ts';
import type { Result, ResultInterface, ResultIp } from '../cni/result.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { type IfName, parseIfName } from '../net/ifname.ts';

/** A container's interface as those see it who add something to it, whatever has attached it. */
export type Endpoint = {
  readonly network: string;
  readonly attachment: Attachment;
  /** The host's end; undefined where the interface has none (macvlan, a device of the host's). */
  readonly hostEnd: IfName | undefined;
  /** The bridge whose port the host's end is. */
  readonly bridge: IfName | undefined;
  /** The container's interface's. */
  readonly mac: string | undefined;
  /** Bytes. */
  readonly mtu: number | undefined;
  readonly ips: readonly ResultIp[];
};

/**
 * The endpoint that a result tells of: a plugin's own, or that of the plugins before it.
 * @throws CniError code 7 where it names no such interface in the container
 */
export function endpointOf(network: string, attachment: Attachment, result: Result): Endpoint {
  const own = result.interfaces.findIndex((each) => each.name === attachment.ifName && isInside(each));
  const inside = result.interfaces[own];
  if (inside === undefined && result.interfaces.length > 0) {
    throw new CniError(
      ErrorCode.invalidConfig,
      `prevResult.interfaces: names no ${attachment.ifName} in the container`,
    );
  }
  const ends = result.interfaces.filter((each) => !isInside(each)).map(({ name }) => name);
  const hostEnd = ends.findLast((name) => name.startsWith('veth'));
  const bridge = ends.find((name) => name !== hostEnd && !isShaper(name));
  return {
    network,
    attachment,
    hostEnd: parseIfName(hostEnd ?? ''),
    bridge: hostEnd === undefined ? undefined : parseIfName(bridge ?? ''),
    mac: inside?.mac,
    mtu: inside?.mtu,
    ips: result.ips.filter((ip) => ip.interface === undefined || ip.interface === own),
  };
}

/** The interface of the host by which the container is reached; undefined where it has none of its own. */
export function linkTo({ bridge, hostEnd }: Endpoint): IfName | undefined {
  return bridge ?? hostEnd;
}

/** The device by which bandwidth, ours or the reference's, holds up what a container sends. */
function isShaper(name: string): boolean {
  return /^(ifb|bwp)[0-9a-f]{12}$/.test(name);
}

function isInside({ sandbox }: ResultInterface): boolean {
  return (sandbox ?? '') !== '';
}
