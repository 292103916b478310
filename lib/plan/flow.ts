import type { IpAddress } from '../net/address.ts';

/** What is sent to a port of the host, as its sender wrote it: before any rule leads it elsewhere. */
export type Flow = {
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly family: 4 | 6;
  /** Destination port. */
  readonly port: number;
  /** Destination address, where only one is meant. */
  readonly address?: IpAddress;
};
