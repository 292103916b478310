import type { PemPaths } from '../http/pem.ts';
import type { ServerAddress } from './transport.ts';

export type SessionOptions = {
  readonly servers: readonly [ServerAddress, ...ServerAddress[]];
  /** Undefined for connections without TLS. */
  readonly tls: PemPaths | undefined;
  /** `user:password`; read anew for each connection. */
  readonly credentials: () => Promise<string | undefined>;
  /** What is asked for; the servers have bounds of their own. */
  readonly sessionTimeoutMs: number;
  /** How long a call may wait for a connection, and then for its answer. */
  readonly timeoutMs: number;
  /** Called once for each session that has expired, and all its ephemeral nodes with it. */
  readonly onExpired: () => void;
  /** Called once whenever no server can be reached any more: the session may expire. */
  readonly onAway: () => void;
};
