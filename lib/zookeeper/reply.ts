import { JuteReader } from './jute-reader.ts';
import { JuteWriter } from './jute-writer.ts';

/** Numbers of requests that have a meaning of their own. */
export const xids = { event: -1, ping: -2, authentication: -4 } as const;

/** What a node has gone through, as watches are told. */
export type NodeChange = 'created' | 'deleted' | 'data' | 'children';

export type Reply =
  | { readonly kind: 'event'; readonly change: NodeChange; readonly path: string }
  /** An event of the session: nothing that the connection itself does not tell. */
  | { readonly kind: 'ignored' }
  | {
      readonly kind: 'answer';
      readonly xid: number;
      readonly zxid: bigint;
      readonly code: number;
      readonly body: JuteReader;
    };

const changes: ReadonlyMap<number, NodeChange> = new Map([
  [1, 'created'],
  [2, 'deleted'],
  [3, 'data'],
  [4, 'children'],
]);

/** @throws JuteError */
export function readReply(frame: Buffer): Reply {
  const body = new JuteReader(frame);
  const xid = body.int();
  const zxid = body.long();
  const code = body.int();
  return xid === xids.event ? readEvent(body) : { kind: 'answer', xid, zxid, code, body };
}

function readEvent(reader: JuteReader): Reply {
  const change = changes.get(reader.int());
  // The session's state.
  reader.int();
  const path = reader.text();
  return change === undefined ? { kind: 'ignored' } : { kind: 'event', change, path };
}

export function writeRequest(xid: number, opcode: number, body: Buffer): Buffer {
  return new JuteWriter().int(xid).int(opcode).raw(body).bytes();
}

const pingOpcode = 11;
const authenticationOpcode = 100;

export function writePing(): Buffer {
  return writeRequest(xids.ping, pingOpcode, Buffer.alloc(0));
}

/** @param credentials `user:password` */
export function writeAuthentication(credentials: string): Buffer {
  const body = new JuteWriter().int(0).text('digest').text(credentials).bytes();
  return writeRequest(xids.authentication, authenticationOpcode, body);
}
