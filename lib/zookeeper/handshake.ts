import { JuteReader } from './jute-reader.ts';
import { JuteWriter } from './jute-writer.ts';

/** What a client must show to go on with a session over another connection. */
export type SessionIdentity = { readonly id: bigint; readonly password: Buffer };

/** What a server says first. */
export type Greeting =
  | { readonly kind: 'session'; readonly identity: SessionIdentity; readonly timeoutMs: number }
  /** The session that was shown is no more. */
  | { readonly kind: 'expired' };

export type Hello = {
  /** Undefined for a new session. */
  readonly identity: SessionIdentity | undefined;
  /** The latest transaction that was seen: a server that is behind it refuses. */
  readonly lastZxid: bigint;
  readonly timeoutMs: number;
};

const noPassword = Buffer.alloc(16);

/** What a client says first. */
export function writeHello({ identity, lastZxid, timeoutMs }: Hello): Buffer {
  const protocolVersion = 0;
  const isReadOnly = false;
  return new JuteWriter()
    .int(protocolVersion)
    .long(lastZxid)
    .int(timeoutMs)
    .long(identity?.id ?? 0n)
    .buffer(identity?.password ?? noPassword)
    .bool(isReadOnly)
    .bytes();
}

/** @throws JuteError */
export function readGreeting(frame: Buffer): Greeting {
  const reader = new JuteReader(frame);
  // The protocol's version; there is one.
  reader.int();
  const timeoutMs = reader.int();
  const id = reader.long();
  const password = Buffer.from(reader.buffer());
  if (timeoutMs <= 0 || id === 0n) return { kind: 'expired' };
  return { kind: 'session', identity: { id, password }, timeoutMs };
}
