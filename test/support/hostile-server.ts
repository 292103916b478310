import { createServer, type Socket } from 'node:net';

/** What a server does with every request. */
export type Hostility =
  /** Says something that may be no HTTP, and closes. */
  | { readonly kind: 'bytes'; readonly text: string }
  /** Begins an answer, and closes before its end. */
  | { readonly kind: 'half'; readonly text: string }
  /** Takes the request, and says nothing for ever. */
  | { readonly kind: 'silence' }
  /** Answers in sound HTTP. */
  | { readonly kind: 'answer'; readonly status: number; readonly text: string }
  /** The same, by the first line of the request. */
  | { readonly kind: 'answers'; readonly of: (request: string) => Omit<Answer, 'kind'> };

type Answer = Extract<Hostility, { readonly kind: 'answer' }>;

/** A server of a test that is not what it should be. */
export type HostileServer = AsyncDisposable & {
  /** `http://host:port` */
  readonly endpoint: string;
  /** How many requests have come. */
  readonly asked: () => number;
};

export async function startHostileServer(hostility: Hostility): Promise<HostileServer> {
  const sockets = new Set<Socket>();
  let asked = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      if (!data.includes('HTTP/1.1\r\n')) return;
      asked++;
      answer(socket, hostility, data.toString());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    asked: () => asked,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(socket: Socket, hostility: Hostility, request: string): void {
  switch (hostility.kind) {
    case 'silence':
      return;
    case 'bytes':
      socket.end(hostility.text);
      return;
    case 'half':
      socket.end(head(200, hostility.text.length + 100) + hostility.text);
      return;
    case 'answer':
      say(socket, hostility);
      return;
    case 'answers':
      say(socket, hostility.of(request.split('\r\n')[0] ?? ''));
  }
}

function say(socket: Socket, { status, text }: Omit<Answer, 'kind'>): void {
  socket.write(head(status, Buffer.byteLength(text)) + text);
}

function head(status: number, length: number): string {
  return `HTTP/1.1 ${status} x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;
}
