import { Malformed } from './wire.ts';

/**
 * The lines of a stream whose pieces may end anywhere. The last one may have no end: the gateway writes none after an
 * error. Half a line cannot be taken for it, since a stream that breaks off fails.
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
  if (length > 0) yield Buffer.concat(begun).toString();
}
