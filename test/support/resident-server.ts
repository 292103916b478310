import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import {
  bodyBytesOf,
  type CallAnswer,
  decodeSizes,
  encodeAnswer,
  type RequestSizes,
  requestHeaderBytes,
} from '../../lib/resident/protocol.ts';

/** A request, byte for byte. */
export type RawRequest = {
  readonly name: Buffer;
  readonly directory: Buffer;
  readonly env: Buffer;
  readonly stdin: Buffer;
  readonly startedAtUs: number;
};

/** One connection as the agent's end has it. */
export class Conversation {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  /** The failed system call, after one. */
  failure: Error | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
    socket.on('error', (error) => {
      this.failure = error;
    });
  }

  /** @returns when the kernel has taken all of it, or refused */
  async send(bytes: string | Buffer): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.write(bytes, () => resolve()));
  }

  async sendBytewise(bytes: Buffer): Promise<void> {
    for (const byte of bytes) {
      await this.send(Buffer.from([byte]));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  async receive(): Promise<RawRequest> {
    const sizes = decodeSizes(await this.#read(requestHeaderBytes));
    return split(await this.#read(bodyBytesOf(sizes)), sizes);
  }

  async answer(answer: Partial<CallAnswer>): Promise<void> {
    await this.send(encodeAnswer({ status: 0, stdout: '', stderr: '', ...answer }));
  }

  /** Sends what is left, then the end. */
  end(): void {
    this.#socket.end();
  }

  async #read(length: number): Promise<Buffer> {
    while (this.#received.length < length) await once(this.#socket, 'data');
    const bytes = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return bytes;
  }
}

function split(body: Buffer, { name, directory, env, startedAtUs }: RequestSizes): RawRequest {
  return {
    name: body.subarray(0, name),
    directory: body.subarray(name, name + directory),
    env: body.subarray(name + directory, name + directory + env),
    stdin: body.subarray(name + directory + env),
    startedAtUs,
  };
}

/** Serves each connection with the script, in the agent's place, until it is disposed. */
export async function serveCalls(
  path: string,
  script: (conversation: Conversation) => Promise<void> | void,
): Promise<AsyncDisposable> {
  rmSync(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    const conversation = new Conversation(socket);
    Promise.resolve(script(conversation)).catch(() => socket.destroy());
  });
  server.listen(path);
  await once(server, 'listening');
  return {
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** As far as an agent goes before it begins. */
export async function greet(conversation: Conversation, hello: string): Promise<void> {
  await conversation.send(hello);
  await conversation.receive();
}

/** As far as an agent goes before it answers. */
export async function begin(conversation: Conversation, hello: string): Promise<void> {
  await greet(conversation, hello);
  await conversation.send('B');
}

/** Serves each call with an answer made from its request. */
export function answerCalls(
  { socket, hello }: { readonly socket: string; readonly hello: string },
  toAnswer: (request: RawRequest) => Partial<CallAnswer>,
): Promise<AsyncDisposable> {
  return serveCalls(socket, async (conversation) => {
    await conversation.send(hello);
    const request = await conversation.receive();
    await conversation.send('B');
    await conversation.answer(toAnswer(request));
    conversation.end();
  });
}
