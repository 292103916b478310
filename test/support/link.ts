import { connect, createServer, type Socket } from 'node:net';

/** A way to a server that can be cut: nothing is carried then, and what was under way never arrives. */
export class Link implements AsyncDisposable {
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #server = createServer({ pauseOnConnect: true }, (near) => this.#connect(near));
  readonly #target: URL;
  #isCut = false;
  url = '';

  private constructor(target: string) {
    this.#target = new URL(target);
  }

  static async to(target: string): Promise<Link> {
    const link = new Link(target);
    await new Promise<void>((resolve) => link.#server.listen(0, '127.0.0.1', resolve));
    const address = link.#server.address();
    if (typeof address === 'object') link.url = `http://127.0.0.1:${address?.port}`;
    return link;
  }

  cut(): void {
    this.#isCut = true;
    for (const pair of this.#pairs)
      for (const socket of pair) {
        socket.unpipe();
        socket.pause();
      }
  }

  /** Only for connections that begin from now on. */
  heal(): void {
    this.#isCut = false;
  }

  #connect(near: Socket): void {
    const far = connect(Number(this.#target.port), this.#target.hostname);
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    for (const socket of pair) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        for (const each of pair) each.destroy();
        this.#pairs.delete(pair);
      });
    }
    if (this.#isCut) return;
    near.pipe(far);
    far.pipe(near);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
