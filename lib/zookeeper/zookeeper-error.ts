/** What went wrong, as ZooKeeper names it. */
export type ZooKeeperErrorKind = (typeof kinds)[number][1] | 'OTHER';

/** The codes of ZooKeeper's `KeeperException`, and what they mean to whoever reads the message. */
const kinds = [
  [-4, 'CONNECTIONLOSS', 'the connection was lost'],
  [-5, 'MARSHALLINGERROR', 'what was sent is not understood'],
  [-6, 'UNIMPLEMENTED', 'the server does not know this operation'],
  [-7, 'OPERATIONTIMEOUT', 'the operation took too long'],
  [-8, 'BADARGUMENTS', 'the arguments are refused'],
  [-101, 'NONODE', 'there is no such node'],
  [-102, 'NOAUTH', 'not allowed: see user and password, and the ACL of the node'],
  [-103, 'BADVERSION', 'the node has changed meanwhile'],
  [-108, 'NOCHILDRENFOREPHEMERALS', 'an ephemeral node has no children'],
  [-110, 'NODEEXISTS', 'there is such a node already'],
  [-111, 'NOTEMPTY', 'the node has children'],
  [-112, 'SESSIONEXPIRED', 'the session has expired'],
  [-114, 'INVALIDACL', 'the ACL is refused'],
  [-115, 'AUTHFAILED', 'the authentication has failed: see user and password'],
  [-118, 'SESSIONMOVED', 'the session has moved to another server'],
  [-119, 'NOTREADONLY', 'the server is in read-only mode'],
  [-124, 'SESSIONCLOSEDREQUIRESASLAUTH', 'the server wants an authentication that this client does not have'],
  [-125, 'QUOTAEXCEEDED', 'the quota is used up'],
  [-127, 'THROTTLEDOP', 'the server is overloaded'],
] as const;

/** An operation that failed; the message names server, operation and path. */
export class ZooKeeperError extends Error {
  readonly kind: ZooKeeperErrorKind;

  constructor(kind: ZooKeeperErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }

  /** The same, said of one server. */
  at(server: string): ZooKeeperError {
    return new ZooKeeperError(this.kind, `zookeeper at ${server}: ${this.message}`);
  }

  /**
   * What a server has answered.
   * @param where the server, the operation and the path
   */
  static ofCode(code: number, where: string): ZooKeeperError {
    const [, kind, meaning] = kinds.find(([known]) => known === code) ?? [];
    if (kind === undefined) return new ZooKeeperError('OTHER', `${where}: error ${code}`);
    return new ZooKeeperError(kind, `${where}: ${kind}: ${meaning}`);
  }
}

/** Whether something failed in one of these ways. */
export function isZooKeeperError(
  error: unknown,
  ...among: readonly ZooKeeperErrorKind[]
): error is ZooKeeperError {
  return error instanceof ZooKeeperError && among.includes(error.kind);
}
