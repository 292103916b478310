import type { IpAddress } from '../net/address.ts';

/** A rule of another program's, as far as it matters whose it is. */
export type ForeignRule = {
  readonly chain: string;
  /** The chain that it jumps to, or `ACCEPT`; undefined for all else. */
  readonly target: string | undefined;
  /** The one address that it matches or leads to in that place; undefined for none, for a network and for a negation. */
  readonly source: IpAddress | undefined;
  readonly destination: IpAddress | undefined;
  readonly dnat: IpAddress | undefined;
  readonly comment: string;
  /** The line of a script that deletes it; undefined where its text cannot be handed on safely. */
  readonly deletion: string | undefined;
};
