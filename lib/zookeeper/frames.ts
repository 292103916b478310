import { JuteError } from './jute-reader.ts';

/** A list of a million children has less; nothing else comes near. */
const longestFrame = 32 * 1024 * 1024;

/** Cuts what comes over a connection into frames: a length of four bytes, and so many bytes. */
export class Frames {
  #pieces: Buffer[] = [];
  #length = 0;

  /**
   * @returns the frames that are whole now
   * @throws JuteError for a length that no frame has; nothing is to be read after that
   */
  push(piece: Buffer): readonly Buffer[] {
    this.#pieces.push(piece);
    this.#length += piece.length;
    const frames: Buffer[] = [];
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Buffer | undefined {
    if (this.#length < 4) return undefined;
    const length = this.#peekLength();
    if (length < 0 || length > longestFrame) throw new JuteError(`a frame of ${length} bytes`);
    if (this.#length < 4 + length) return undefined;
    const bytes = this.#joined();
    this.#keep(bytes.subarray(4 + length));
    return bytes.subarray(4, 4 + length);
  }

  /** A long frame comes in many pieces: they are joined once it is whole. */
  #peekLength(): number {
    const [first = Buffer.alloc(0)] = this.#pieces;
    return (first.length >= 4 ? first : this.#joined()).readInt32BE();
  }

  #joined(): Buffer {
    const [first, ...others] = this.#pieces;
    if (first !== undefined && others.length === 0) return first;
    const bytes = Buffer.concat(this.#pieces);
    this.#pieces = [bytes];
    return bytes;
  }

  #keep(rest: Buffer): void {
    this.#pieces = rest.length === 0 ? [] : [rest];
    this.#length = rest.length;
  }
}

/** A frame around what was written. */
export function toFrame(bytes: Buffer): Buffer {
  const length = Buffer.allocUnsafe(4);
  length.writeInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
