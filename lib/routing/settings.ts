import type { IpAddress } from '../net/address.ts';

/** Where Debian's and the BIRD project's units have BIRD's control socket. */
export const defaultBirdSocket = '/run/bird/bird.ctl';

/** What an operator has decided of how this host learns the ways to the others' blocks. */
export type RoutingSettings = DirectSettings | BirdSettings;

/** The agent writes the routes itself. */
export type DirectSettings = {
  readonly mode: 'direct';
  /** How often the kernel is compared with what it should be, in milliseconds, whether anything was heard or not. */
  readonly resyncMs: number;
};

/** BIRD learns them over BGP, from a configuration that the agent writes. */
export type BirdSettings = {
  readonly mode: 'bird';
  readonly resyncMs: number;
  /** Of all hosts of the mesh. */
  readonly asn: number;
  /** Of the sessions between the hosts (TCP MD5, RFC 2385). */
  readonly password: PasswordSource | undefined;
  /** How long a neighbour may be silent before its routes go. */
  readonly holdTimeSeconds: number;
  /** How long the neighbours keep this host's routes while its BIRD restarts (RFC 4724). */
  readonly gracefulRestartSeconds: number;
  /** The cluster id under which this host reflects routes (RFC 4456), dotted; undefined where it does not. */
  readonly reflector: string | undefined;
  /** Routers beside the hosts of the cluster. */
  readonly peers: readonly BgpPeerSettings[];
  /** Where BIRD's configuration is written: absolute path. */
  readonly configFile: string;
  /** BIRD's control socket: absolute path. */
  readonly socket: string;
};

/** A router that the configuration names. */
export type BgpPeerSettings = {
  readonly address: IpAddress;
  readonly asn: number;
  /** For people: letters, digits, `.`, `_` and `-`. */
  readonly name: string | undefined;
  readonly password: PasswordSource | undefined;
  /** How many hops away it may be; undefined: it is on a link of this host. */
  readonly multihop: number | undefined;
};

/** A password as it stands in the configuration, or the file that holds it. */
export type PasswordSource =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string };
