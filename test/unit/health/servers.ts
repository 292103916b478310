import type { IncomingMessage, RequestListener, Server } from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from 'node:net';
import type { ProbeTarget } from '../../../lib/health/probe-attempt.ts';

/** A server on the loopback that goes with the scope it was made in. */
export type TestServer = AsyncDisposable & {
  readonly target: ProbeTarget;
  readonly connections: () => number;
};

/** For tests only: a certificate that nobody trusts, for 127.0.0.1 and ::1, until 2126. */
const selfSigned = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgeQ9sxSRv21+CaqJP
DTlKK4CadBTF5kEIM/IAp4XhmuyhRANCAAS9DyKKPA2RAeK/y0IWpZGjp14vI5Ru
YcrloUusctTxU0cG20mAIgoCi7PM0bYlNQ7oAz7c/vZE3n1XS9jPmQus
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBqzCCAVCgAwIBAgIUeW/pcn6A7nBpZfstNDeXV+x1J94wCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNZmFpcmxlYWQtdGVzdDAgFw0yNjExMjEwOTI0MTBaGA8yMTI2
MTAyODA5MjQxMFowGDEWMBQGA1UEAwwNZmFpcmxlYWQtdGVzdDBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABL0PIoo8DZEB4r/LQhalkaOnXi8jlG5hyuWhS6xy1PFT
RwbbSYAiCgKLs8zRtiU1DugDPtz+9kTefVdL2M+ZC6yjdjB0MB0GA1UdDgQWBBRf
YA+lmJG5ZmZob4h3vBCimBH0MjAfBgNVHSMEGDAWgBRfYA+lmJG5ZmZob4h3vBCi
mBH0MjAPBgNVHRMBAf8EBTADAQH/MCEGA1UdEQQaMBiHBH8AAAGHEAAAAAAAAAAA
AAAAAAAAAAEwCgYIKoZIzj0EAwIDSQAwRgIhALukCBNL6QPRhOrY08IlhvJMLfTF
stjKPrwuxUdASVsNAiEAijaQHjoHRzlVYb88INENg9x91HV2AcWtZpo2Zt5ex/I=
-----END CERTIFICATE-----`,
};

export function serveHttp(listener: RequestListener, address = '127.0.0.1'): Promise<TestServer> {
  return listen(createHttpServer(listener), address);
}

export function serveHttps(listener: RequestListener): Promise<TestServer> {
  return listen(createHttpsServer(selfSigned, listener), '127.0.0.1');
}

export function serveTcp(onConnection: (socket: Socket) => void, address = '127.0.0.1'): Promise<TestServer> {
  return listen(createTcpServer(onConnection), address);
}

/** A port of the loopback on which nothing listens. */
export async function closedPort(): Promise<ProbeTarget> {
  await using server = await serveTcp(() => undefined);
  return server.target;
}

/** The whole of a request's body. */
export async function bodyOf(request: IncomingMessage): Promise<string> {
  return (await request.toArray()).join('');
}

async function listen(server: TcpServer | Server, address: string): Promise<TestServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return {
    target: { address, port: (server.address() as AddressInfo).port },
    connections: () => connections,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
