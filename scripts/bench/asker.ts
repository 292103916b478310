import { createSocket } from 'node:dgram';
import { setTimeout } from 'node:timers/promises';
import { decodeAnswer, encodeQuery, type Resolution, unanswered } from './question.ts';

/** Far over the slowest answer: what does not come in this time is missing. */
const timeoutMs = 2_000;

/** Asks the DNS server on this namespace's loopback for a name's addresses, once. */
export async function askLoopback(name: string, port: number): Promise<Resolution> {
  const id = Math.floor(Math.random() * 65_536);
  const socket = createSocket('udp4');
  const { promise, resolve } = Promise.withResolvers<Resolution>();
  socket.on('message', (message) => {
    if (message.length >= 12 && message.readUInt16BE(0) === id) resolve(decodeAnswer(message));
  });
  // A port that nobody listens on is told of by an error; then there is no answer either.
  socket.on('error', () => resolve(unanswered));
  socket.connect(port, '127.0.0.1', () => socket.send(encodeQuery(name, id)));
  const settled = new AbortController();
  const late = setTimeout(timeoutMs, unanswered, { signal: settled.signal }).catch(() => unanswered);
  try {
    return await Promise.race([promise, late]);
  } finally {
    settled.abort();
    socket.close();
  }
}
