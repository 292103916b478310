import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { ConnectionCount } from './connection-count.ts';
import type { ServerAddress } from './server-address.ts';
import { type ServeOptions, serveConnection } from './tcp-connection.ts';

export type TcpListenerOptions = ServeOptions & {
  readonly server: ServerAddress;
  /** Shared by all listeners of a server. */
  readonly connections: ConnectionCount;
  readonly onRefused: () => void;
  readonly onError: (error: Error) => void;
};

/** One address on which queries are taken over TCP. */
export class TcpListener implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(options: TcpListenerOptions) {
    // Half-open: a client may close its side when it has asked, and still wait for the answers (RFC 7766, section 6.2.4).
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#accept(socket, options),
    );
  }

  /** @throws the system's error where the address cannot be had */
  static async open(options: TcpListenerOptions): Promise<TcpListener> {
    const listener = new TcpListener(options);
    const { address, port } = options.server;
    listener.#server.listen({ host: address, port, exclusive: true, ipv6Only: address.includes(':') });
    await once(listener.#server, 'listening');
    listener.#server.on('error', options.onError);
    return listener;
  }

  /** The port, which the kernel chose where 0 was asked for. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Takes no more connections, and ends those that there are. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(socket: Socket, options: TcpListenerOptions): void {
    const source = socket.remoteAddress;
    if (source === undefined || !options.connections.take(source)) {
      options.onRefused();
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      options.connections.release(source);
    });
    void serveConnection(socket, options);
  }
}
