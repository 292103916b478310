import type { Datagram } from './udp-listener.ts';

/**
 * Gathers the datagrams that the event loop reads in one go (up to 32 of each socket), and hands them on together as
 * soon as there are no more. So the registry is read once for all of them, and yet after the last of them had come: no
 * answer is older than its question, and asking whether there was a commit costs a thirtieth of 3 µs where it counts.
 */
export class DatagramBatch {
  readonly #answer: (batch: readonly Datagram[]) => void;
  #waiting: Datagram[] = [];

  constructor(answer: (batch: readonly Datagram[]) => void) {
    this.#answer = answer;
  }

  add(datagram: Datagram): void {
    // The loop comes to its immediates straight after it has read all sockets.
    if (this.#waiting.push(datagram) === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    this.#answer(batch);
  }
}
