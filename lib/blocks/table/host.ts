import type { Family, IpAddress } from '../../net/address.ts';
import type { NodeId } from './block.ts';

/**
 * A host that takes part: the value of `<prefix>/hosts/<node>`, which stays when the host goes, for what it announces
 * stays its own. Whether it is there is told by `<prefix>/alive/<node>`, which goes with an etcd lease.
 */
export type HostRecord = {
  readonly node: NodeId;
  /** Its host name, for people. */
  readonly name: string;
  /** Where the others send what is for its blocks, one address for each family. */
  readonly addresses: Readonly<Partial<Record<Family, IpAddress>>>;
  /** The cluster id that it reflects routes under (RFC 4456); undefined for a host that is no route reflector. */
  readonly reflector: string | undefined;
  /** When its agent was there last, in seconds since 1970, to the minute; undefined where an older agent has written it. */
  readonly lastSeen?: number | undefined;
};
