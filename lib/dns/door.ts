import { errnoOf } from '../errors/system-error.ts';
import { listenFailure } from './listen-failure.ts';
import type { ServerAddress } from './server-address.ts';
import { TcpListener, type TcpListenerOptions } from './tcp-listener.ts';
import { UdpListener, type UdpListenerOptions } from './udp-listener.ts';

export type DoorOptions = TcpListenerOptions & Pick<UdpListenerOptions, 'onDatagram'>;

/** One address and port that is listened on over UDP and TCP. */
export type Door = AsyncDisposable & { readonly server: ServerAddress };

/** How often a port is tried that the kernel chose for TCP, and that somebody has over UDP. */
const tries = 5;

/**
 * Listens over TCP, then over UDP on the same port; or on neither.
 * @param options port 0 has the kernel choose one
 * @throws CniError code 5
 */
export async function openDoor(options: DoorOptions, triesLeft = tries): Promise<Door> {
  try {
    return await openBoth(options);
  } catch (error) {
    const isTaken = options.server.port === 0 && errnoOf(error) === 'EADDRINUSE';
    if (isTaken && triesLeft > 1) return openDoor(options, triesLeft - 1);
    throw listenFailure(options.server, error);
  }
}

async function openBoth(options: DoorOptions): Promise<Door> {
  await using opened = new AsyncDisposableStack();
  const tcp = opened.use(await TcpListener.open(options));
  const server = { address: options.server.address, port: tcp.port };
  opened.use(await UdpListener.open({ ...options, server }));
  const both = opened.move();
  return { server, [Symbol.asyncDispose]: () => both.disposeAsync() };
}
