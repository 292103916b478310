import type { NetworkCall } from '../cni/dispatch.ts';
import type { ResultDns } from '../cni/result.ts';
import type { Machine } from '../exec/machine.ts';
import type { IpAddress } from '../net/address.ts';
import type { Cidr } from '../net/cidr.ts';

/** A network whose containers are each behind a veth pair of their own, without a bridge. */
export type PointToPointNetwork = {
  readonly network: string;
  /** Bytes; undefined where the kernel's default is to stand. */
  readonly mtu: number | undefined;
  readonly ipMasq: boolean;
  /** Where containers show their own addresses although they leave their subnet. */
  readonly unmasqueraded: readonly Cidr[];
  /** Whether a container may send from its own addresses only. */
  readonly checksSource: boolean;
  readonly dns: ResultDns;
};

/** How the ends of the pair are addressed; `ptp` and `routed` differ in nothing else. */
export type Wiring = 'subnet-gateway' | 'link-local-gateway';

/** A plugin whose containers have point-to-point links: its name, its wiring, and how it understands a call. */
export type PointToPointKind = {
  readonly name: string;
  readonly wiring: Wiring;
  /**
   * What a call is about. IPAM may be given another configuration than the plugin: the plugin may decide what is leased from.
   * `confirm` is called with what was leased, when the container is attached: an address may be another host's by now; it
   * throws code 11.
   * @throws CniError code 7, or 11 while something is not known yet
   */
  readonly open: <Call extends NetworkCall>(
    call: Call,
    machine: Machine,
  ) => {
    readonly network: PointToPointNetwork;
    readonly ipamCall: Call;
    readonly confirm: (leased: readonly IpAddress[]) => void;
  };
  /**
   * The same for CHECK, which looks at what an ADD has leased: it may be well while nothing can be leased.
   * @throws CniError code 7
   */
  readonly openCheck: <Call extends NetworkCall>(
    call: Call,
  ) => { readonly network: PointToPointNetwork; readonly ipamCall: Call };
  /**
   * The same for DEL and GC, which need less, and nothing that can be missing.
   * @throws CniError code 7
   */
  readonly openRemoval: <Call extends NetworkCall>(call: Call) => { readonly ipamCall: Call };
};
