import { createServer } from 'node:net';
import { freePorts } from './free-ports.ts';

/** Besides its port, Nacos takes those at these distances from it: for its clients, its own hosts, and Raft. */
const distances = [1_000, 1_001, -1_000];

/** A port of 127.0.0.1 that nobody uses, nor any that Nacos takes with it. */
export async function freeNacosPort(): Promise<number> {
  for (;;) {
    const [port = 0] = await freePorts(1);
    const areFree = await Promise.all(distances.map((distance) => isFree(port + distance)));
    if (areFree.every(Boolean)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
