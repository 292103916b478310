import type { Socket } from 'node:net';
import type { Frames } from './frames.ts';
import { toFrame } from './frames.ts';
import { type Greeting, type Hello, readGreeting, writeHello } from './handshake.ts';
import { JuteError } from './jute-reader.ts';

/** The server has hung up instead of greeting: it does not serve now, or is behind what this client has seen. */
export class NotGreeted extends Error {}

/** Says hello and reads the greeting. The socket is paused then; what comes next goes into the same frames. */
export async function greet(
  socket: Socket,
  { hello, frames, signal }: { readonly hello: Hello; readonly frames: Frames; readonly signal: AbortSignal },
): Promise<Greeting> {
  const { promise, resolve, reject } = Promise.withResolvers<Greeting>();
  const read = (piece: Buffer) => {
    try {
      const [frame, ...others] = frames.push(piece);
      if (others.length > 0) throw new JuteError('more than a greeting');
      if (frame !== undefined) resolve(readGreeting(frame));
    } catch (error) {
      reject(error);
    }
  };
  const end = () =>
    reject(new NotGreeted('the server has closed the connection instead of opening a session'));
  const giveUp = () => reject(signal.reason);
  socket.on('data', read);
  socket.once('close', end);
  socket.once('error', reject);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    socket.write(toFrame(writeHello(hello)));
    return await promise;
  } finally {
    socket.pause();
    socket.off('data', read);
    socket.off('close', end);
    signal.removeEventListener('abort', giveUp);
  }
}
