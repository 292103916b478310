/** Writes values as ZooKeeper's record format (jute) has them: big-endian, texts and lists after their length. */
export class JuteWriter {
  readonly #pieces: Buffer[] = [];

  int(value: number): this {
    const piece = Buffer.allocUnsafe(4);
    piece.writeInt32BE(value);
    return this.#add(piece);
  }

  long(value: bigint): this {
    const piece = Buffer.allocUnsafe(8);
    piece.writeBigInt64BE(value);
    return this.#add(piece);
  }

  bool(value: boolean): this {
    return this.#add(Buffer.of(value ? 1 : 0));
  }

  buffer(value: Buffer): this {
    return this.int(value.length).#add(value);
  }

  text(value: string): this {
    return this.buffer(Buffer.from(value));
  }

  list<T>(items: readonly T[], write: (item: T) => void): this {
    this.int(items.length);
    for (const item of items) write(item);
    return this;
  }

  /** What another writer has written. */
  raw(written: Buffer): this {
    return this.#add(written);
  }

  bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  #add(piece: Buffer): this {
    this.#pieces.push(piece);
    return this;
  }
}
