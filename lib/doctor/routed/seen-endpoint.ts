import type { Family } from '../../net/address.ts';
import type { Endpoint } from './endpoint.ts';

/** What is seen of all links of containers. */
export type EndpointsEvidence = {
  /** The switches of the whole machine. */
  readonly isOn: Readonly<Record<Family, boolean>>;
  /** Whether 169.254.1.1 is an address of this host, and whether a route leads to it. */
  readonly gateway: { readonly isOwn: boolean; readonly isCovered: boolean };
  /** What holds for every link: of this and the link's own setting the kernel takes the larger one. */
  readonly ofAll: { readonly rpFilter: number; readonly arpIgnore: number };
  readonly endpoints: readonly SeenEndpoint[];
};

/** An end of a container's own link, with those settings of the kernel on which its packets depend. */
export type SeenEndpoint = Pick<Endpoint, 'name' | 'wiring' | 'group'> & {
  /** Of which a container's address is behind it. */
  readonly families: readonly Family[];
  /** Of which its own switch of forwarding is off. */
  readonly closed: readonly Family[];
  readonly hasProxyArp: boolean;
  /** 0 for no check of the source, 1 for strict, 2 for loose. */
  readonly rpFilter: number;
  /** 0: ARP is answered for every address of the host, by whatever link the question comes. */
  readonly arpIgnore: number;
};
