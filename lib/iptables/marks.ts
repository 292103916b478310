// A packet has one mark, of which each program of a host takes bits: Cilium 0xf00, the reference's portmap 0x2000,
// kube-proxy 0x4000 and 0x8000, Calico, Tailscale and Cilium some of the upper half. Docker's swarm counts its services
// from 0x100 on, but in namespaces of its own, and no mark leaves a namespace.

/** The bit that says that a packet belongs to a container of ours, which none of those takes. */
export const admittedMark = '0x1000';

/**
 * The bit by which the chain of the bridge knows what a published port leads to its own container: where br_netfilter is
 * loaded, such a frame is led from port to port, and the kernel need not track connections of bridges. Marks of Cilium have
 * it, too: a frame that bears one is not kept from an isolated port.
 */
export const publishedMark = '0x800';
