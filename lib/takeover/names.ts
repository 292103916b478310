/** An attachment as the reference's plugins name it. */
export type AttachmentNames = {
  readonly network: string;
  readonly containerId: string;
  readonly ifName: string;
};

/** Longest name of an iptables chain and of an interface that the reference makes. */
const chainLength = 28;
const interfaceLength = 15;
const instanceLength = 16;

/** The chain of iptables that masquerades a container of a network: of all its interfaces there. */
export function masqueradeChain({ network, containerId }: AttachmentNames): string {
  return hashed('CNI-', network + containerId, chainLength);
}

/** The chains of iptables with a container's port maps in a network; those for SNAT are of releases before 0.7. */
export function portmapChain(kind: 'DN' | 'SN', { network, containerId }: AttachmentNames): string {
  return hashed(`CNI-${kind}-`, network + containerId, chainLength);
}

/** What the comments of an attachment's rules of nftables begin with, up to the comma. */
export function masqueradeComment({ network, ifName, containerId }: AttachmentNames): string {
  const instance = hashed('', `${ifName}:${containerId}`, instanceLength);
  return `${hashed('', network, instanceLength)}-${instance},`;
}

/** The interface of kind ifb that what a container sends goes through. */
export function bandwidthInterface({ network, containerId }: AttachmentNames): string {
  return hashed(bandwidthPrefix, network + containerId, interfaceLength);
}

/** What the names of those interfaces begin with. */
export const bandwidthPrefix = 'bwp';

/** The chain of the spoof check of an attachment's host end; another with `-mac` at its end follows it. */
export function spoofCheckChain({ containerId, ifName }: AttachmentNames): string {
  return `cni-br-iface-${containerId}-${ifName}`;
}

function hashed(prefix: string, text: string, length: number): string {
  // Loaded only where the reference has left something: it costs a call 2 ms.
  const { createHash } = process.getBuiltinModule('node:crypto');
  return (prefix + createHash('sha512').update(text).digest('hex')).slice(0, length);
}
