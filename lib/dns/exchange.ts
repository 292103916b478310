import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { createFramer, frameMessage } from './framing.ts';
import { readQuestion } from './query.ts';
import type { ServerAddress } from './server-address.ts';
import { Flag, HeaderOffset, hasFlag, headerLength, tcpLimit } from './wire.ts';

/** One question to one server. */
export type Exchange = {
  readonly server: ServerAddress;
  readonly packet: Buffer;
  readonly timeoutMs: number;
};

/**
 * Asks over UDP from a port of its own, which the kernel chooses: with the random id, that is what a forger must guess.
 * The socket is connected, so that nobody else is heard, and a closed port is told at once.
 */
export async function askByUdp({ server, packet, timeoutMs }: Exchange): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const socket = createSocket(server.address.includes(':') ? 'udp6' : 'udp4');
  const timer = setTimeout(() => reject(noAnswer(timeoutMs)), timeoutMs);
  socket.on('error', reject);
  socket.on('message', (message) => {
    if (isAnswerTo(packet, message)) resolve(message);
  });
  socket.on('connect', () => socket.send(packet));
  socket.connect(server.port, server.address);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.close();
  }
}

/** Asks over TCP, in a connection of its own. */
export async function askByTcp({ server, packet, timeoutMs }: Exchange): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const socket = connect({ host: server.address, port: server.port, noDelay: true });
  const timer = setTimeout(() => reject(noAnswer(timeoutMs)), timeoutMs);
  const framer = createFramer(tcpLimit);
  socket.on('error', reject);
  socket.on('close', () => reject(new Error('the connection was closed without an answer')));
  socket.on('data', (chunk: Buffer) => {
    const answer = framer(chunk).find((message) => isAnswerTo(packet, message));
    if (answer !== undefined) resolve(answer);
  });
  socket.write(frameMessage(packet));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

function noAnswer(timeoutMs: number): Error {
  return new Error(`no answer in ${timeoutMs} ms`);
}

/** Whether a message answers just this query: id and question are the same (RFC 5452, section 9.1). */
export function isAnswerTo(query: Buffer, message: Buffer): boolean {
  if (message.length < headerLength || !hasFlag(message, Flag.response)) return false;
  if (message.readUInt16BE(HeaderOffset.id) !== query.readUInt16BE(HeaderOffset.id)) return false;
  const asked = readQuestion(query)?.question;
  const answered = readQuestion(message)?.question;
  return (
    asked !== undefined &&
    asked.type === answered?.type &&
    asked.class === answered.class &&
    asked.labels.length === answered.labels.length &&
    asked.labels.every((label, index) => label === answered.labels[index])
  );
}
