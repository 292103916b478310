import type { Socket } from 'node:net';
import { createFramer, frameMessage } from './framing.ts';
import { longestQuery } from './wire.ts';

export type ServeOptions = {
  /** The answer to a query; undefined where there is none. Must not throw. */
  readonly answer: (packet: Buffer, source: string) => Promise<Buffer | undefined>;
  /** Milliseconds in which a client must have sent a whole query, counted from the one before. */
  readonly idleMs: number;
};

/** Queries of one connection that are answered at the same time, and octets that may wait for it to read. */
const mostPending = 16;
const mostUnread = 128 * 1024;

/**
 * Answers the queries of one connection until the client closes it or is silent for too long. The answers go out as they
 * are ready, not in the order of the queries (RFC 7766, section 6.2.1.1); who does not read them is not read from.
 */
export async function serveConnection(socket: Socket, { answer, idleMs }: ServeOptions): Promise<void> {
  const source = socket.remoteAddress ?? '';
  const pending = new Set<Promise<void>>();
  // Only a whole query moves the deadline: a client that sends an octet now and then does not hold a connection.
  const deadline = setTimeout(() => socket.destroy(), idleMs);
  socket.on('close', () => clearTimeout(deadline));
  try {
    for await (const query of queriesOf(socket)) {
      deadline.refresh();
      const task = reply(socket, answer(query, source)).finally(() => pending.delete(task));
      pending.add(task);
      while (isBehind(socket, pending.size)) await Promise.race(pending);
    }
    await Promise.all(pending);
    socket.end();
  } catch {
    // Reset by the client, or it sent what is no query: there is nobody to tell.
    socket.destroy();
  }
}

function isBehind(socket: Socket, pending: number): boolean {
  return pending >= mostPending || (pending > 0 && socket.writableLength > mostUnread);
}

async function* queriesOf(socket: Socket): AsyncGenerator<Buffer> {
  const framer = createFramer(longestQuery);
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) yield* framer(chunk as Buffer);
}

/** Resolves when the answer is with the kernel, or the connection is gone. */
async function reply(socket: Socket, answered: Promise<Buffer | undefined>): Promise<void> {
  const message = await answered;
  if (message === undefined) return;
  await new Promise<void>((resolve) => void socket.write(frameMessage(message), () => resolve()));
}
