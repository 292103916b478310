import type { Liveness } from '../../attach/liveness.ts';
import type { Tried } from '../../exec/tried.ts';
import type { IpAddress } from '../../net/address.ts';

/** An address that a container of this host has. */
export type LeasedAddress = {
  readonly address: IpAddress;
  /** Undefined where the lease's file names nobody. */
  readonly owner: { readonly containerId: string; readonly ifName: string } | undefined;
  /** What is known of the container at this moment. */
  readonly liveness: Liveness;
};

/** The leases of the network on this host, which decide on which container has which address. */
export type Leases = {
  /** Every leased address; asked for again and again. */
  readonly addresses: () => readonly IpAddress[];
  /** The same with owners, each judged; takes its time. */
  readonly list: () => readonly LeasedAddress[];
  /**
   * Frees a lease of a container that is dead still, and everything else that the container has.
   * @returns whether it was so; false also where somebody else leases or frees just now
   */
  readonly free: (lease: LeasedAddress) => boolean;
  /**
   * Runs `work` with every leased address while nobody leases or frees; nothing can be waited for meanwhile. Nor is it
   * waited for others that lease or free.
   */
  readonly whileLocked: <T>(work: (leased: readonly IpAddress[]) => T) => Tried<T>;
  /**
   * Every address that the kernel routes to a container, which has it whatever the leases say.
   * @throws CniError where the kernel does not tell
   */
  readonly routed: () => Promise<readonly IpAddress[]>;
  /** Calls `wake` soon after an address was leased or freed, until the signal; it may be missed. */
  readonly watch: (wake: () => void, signal: AbortSignal) => void;
};
