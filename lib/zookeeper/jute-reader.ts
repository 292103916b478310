/** What was read is not what ZooKeeper writes. */
export class JuteError extends Error {}

/** Reads values of ZooKeeper's record format (jute). Lengths come from the network: none is believed. */
export class JuteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Bytes that have not been read. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  int(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  long(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(8));
  }

  bool(): boolean {
    return this.#bytes[this.#take(1)] !== 0;
  }

  /** A part of what is read, not a copy. A length of -1 is the null of Java, here empty. */
  buffer(): Buffer {
    const length = this.int();
    if (length === -1) return Buffer.alloc(0);
    const from = this.#take(length);
    return this.#bytes.subarray(from, from + length);
  }

  text(): string {
    return this.buffer().toString();
  }

  list<T>(read: () => T): readonly T[] {
    const count = this.int();
    if (count === -1) return [];
    // The shortest item takes four bytes: more than are there would only be found out after having made room for them.
    if (count < 0 || count > this.left / 4) throw new JuteError(`a list of ${count} items`);
    return Array.from({ length: count }, read);
  }

  #take(length: number): number {
    if (length < 0 || length > this.left)
      throw new JuteError(`${length} bytes expected at ${this.#at} of ${this.#bytes.length}`);
    const from = this.#at;
    this.#at += length;
    return from;
  }
}
