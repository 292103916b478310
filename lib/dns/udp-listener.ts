import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type ServerAddress, withoutZone } from './server-address.ts';

/** A packet, and where its answer goes. */
export type Datagram = {
  readonly packet: Buffer;
  /** Canonical text, as the answer's destination; a link-local one with its zone. */
  readonly address: string;
  readonly port: number;
  readonly listener: UdpListener;
};

export type UdpListenerOptions = {
  readonly server: ServerAddress;
  readonly onDatagram: (datagram: Datagram) => void;
  readonly onError: (error: Error) => void;
};

/** What the kernel keeps for us while we are busy, in octets; it grants what net.core.rmem_max allows. */
const receiveBuffer = 4 * 1024 * 1024;

/** One address on which queries are taken over UDP. */
export class UdpListener implements AsyncDisposable {
  /** The address that is asked here, without a zone. */
  readonly address: string;
  readonly #socket: Socket;
  #isClosed = false;

  private constructor({ server, onDatagram }: UdpListenerOptions) {
    this.address = withoutZone(server.address);
    const isV6 = server.address.includes(':');
    this.#socket = createSocket({
      type: isV6 ? 'udp6' : 'udp4',
      ipv6Only: isV6,
      recvBufferSize: receiveBuffer,
      // Where an answer goes is an address and never a name; the lookup of dgram itself would take a turn of its own.
      lookup: (host, _options, callback) => callback(null, host, isV6 ? 6 : 4),
    });
    this.#socket.on('message', (packet, { address, port }) => {
      // Nothing can be sent to port 0, which only a forger comes from.
      if (port !== 0) onDatagram({ packet, address, port, listener: this });
    });
  }

  /** @throws the system's error where the address cannot be had */
  static async open(options: UdpListenerOptions): Promise<UdpListener> {
    const listener = new UdpListener(options);
    const { address, port } = options.server;
    // Before `bind`, which with a lookup that answers at once comes to its end at once.
    const listening = once(listener.#socket, 'listening');
    listener.#socket.bind({ address, port, exclusive: true });
    try {
      await listening;
    } catch (error) {
      listener.#socket.close();
      throw error;
    }
    listener.#socket.on('error', options.onError);
    return listener;
  }

  /** Sends without a word of success: who does not get the answer asks again. */
  send(message: Buffer, { address, port }: Datagram): void {
    if (!this.#isClosed) this.#socket.send(message, port, address);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await new Promise<void>((resolve) => void this.#socket.close(resolve));
  }
}
