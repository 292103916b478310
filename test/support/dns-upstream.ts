import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { bareAnswer } from '../../lib/dns/answer.ts';
import { createFramer, frameMessage } from '../../lib/dns/framing.ts';
import { parseQuery } from '../../lib/dns/query.ts';
import { writeReply } from '../../lib/dns/reply.ts';
import type { ServerAddress } from '../../lib/dns/server-address.ts';

/** One query as an upstream of a test received it. */
export type Received = {
  readonly packet: Buffer;
  readonly transport: 'udp' | 'tcp';
  readonly sourcePort: number;
};

export type Upstream = AsyncDisposable & {
  readonly server: ServerAddress;
  readonly received: readonly Received[];
};

/** A DNS server on loopback that sends to each query what the test says, be it nothing or several messages. */
export async function startUpstream(reply: (query: Received) => readonly Buffer[]): Promise<Upstream> {
  const received: Received[] = [];
  const answer = (query: Received) => {
    received.push(query);
    return reply(query);
  };
  const tcp = createServer((socket) => {
    const framer = createFramer(65_535);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      for (const packet of framer(chunk)) {
        const sourcePort = socket.remotePort ?? 0;
        for (const message of answer({ packet, transport: 'tcp', sourcePort }))
          socket.write(frameMessage(message));
      }
    });
  });
  tcp.listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const { port } = tcp.address() as AddressInfo;
  const udp = createSocket('udp4');
  udp.on('message', (packet, source) => {
    for (const message of answer({ packet, transport: 'udp', sourcePort: source.port })) {
      udp.send(message, source.port, source.address);
    }
  });
  udp.bind(port, '127.0.0.1');
  await once(udp, 'listening');
  return {
    server: { address: '127.0.0.1', port },
    received,
    [Symbol.asyncDispose]: async () => {
      udp.close();
      tcp.close();
    },
  };
}

/** An answer without records to this query. */
export function plainAnswer({ packet }: Pick<Received, 'packet'>, rcode = 0): Buffer {
  const query = parseQuery(packet);
  if (query?.kind !== 'query') throw new Error('the upstream was sent what is no query');
  return writeReply(query, bareAnswer(rcode), { transport: 'tcp', recursion: true }).octets;
}

/** The same message with the given flags set. */
export function withFlags(message: Buffer, flags: number): Buffer {
  const changed = Buffer.from(message);
  changed.writeUInt16BE(changed.readUInt16BE(2) | flags, 2);
  return changed;
}
