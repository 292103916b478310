import { Malformed } from './wire.ts';

/**
 * The lines of a stream whose pieces may end anywhere. What comes after the last line's end is dropped: its rest was lost.
 * @param longest bytes of one line
 * @throws Malformed for a line that is longer
 */
export async function* readLines(pieces: AsyncIterable<Buffer>, longest: number): AsyncGenerator<string> {
  let begun: Buffer[] = [];
  let length = 0;
  for await (const piece of pieces) {
    let start = 0;
    for (let end = piece.indexOf('\n'); end !== -1; end = piece.indexOf('\n', start)) {
      const line = Buffer.concat([...begun, piece.subarray(start, end)]).toString();
      begun = [];
      length = 0;
      start = end + 1;
      if (line !== '') yield line;
    }
    begun.push(piece.subarray(start));
    length += piece.length - start;
    if (length > longest) throw new Malformed(`a line is longer than ${longest} bytes`);
  }
}
