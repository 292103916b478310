import { connect } from 'node:net';
import type { StartProbe } from './probe-attempt.ts';

/** Passing when the connection is accepted; nothing is sent. */
export const startTcpProbe: StartProbe<unknown> = (_probe, { address, port }, settle) => {
  const socket = connect({ host: address, port });
  socket.on('connect', () => settle({ ok: true, output: `connected to ${address} port ${port}` }));
  socket.on('error', ({ message }) => settle({ ok: false, output: message }));
  return { stop: () => socket.destroy() };
};
