import { stripVTControlCharacters } from 'node:util';
import { must } from './process.ts';

/** A message apart from what its place in the conversation decides; the body in hexadecimal digits. */
export type SentMessage = { readonly type: number; readonly body: string };

/** Beginning and end of a transaction, and what adds or deletes an element. */
const ofTransactions = [0x10, 0x11, 0xa0c, 0xa0e];

/** The attribute with the number that nft gives a set for a transaction, even to one that is there by its name. */
const setNumber = /08000400[0-9a-f]{8}/;

/** The messages of transactions that nft sends for a script in a namespace, as it shows them itself. */
export async function sentByNft(netns: string, script: string): Promise<readonly SentMessage[]> {
  const shown = await must('nsenter', [`--net=/run/netns/${netns}`, 'nft', '--debug=mnl', '-f', '-'], script);
  return stripVTControlCharacters(shown)
    .split(/message length \|\n/)
    .slice(1)
    .map(readMessage)
    .filter(({ type }) => ofTransactions.includes(type));
}

/** nft shows four bytes a line, and headers of attributes as numbers. */
function readMessage(shown: string): SentMessage {
  const [, type] = /^\| (\d{5}) \|/.exec(shown) ?? [];
  const words = shown.split('\n').flatMap((line) => readHeader(line) ?? readBytes(line) ?? []);
  return { type: Number(type), body: words.join('').replace(setNumber, '') };
}

function readHeader(line: string): string | undefined {
  const [, length, nested, type] = /^\|(\d{5})\|(N|-)-\|(\d{5})\|/.exec(line) ?? [];
  if (length === undefined) return undefined;
  const header = Buffer.alloc(4);
  header.writeUInt16LE(Number(length), 0);
  header.writeUInt16LE(Number(type) | (nested === 'N' ? 0x8000 : 0), 2);
  return header.toString('hex');
}

function readBytes(line: string): string | undefined {
  return /^\| ((?:[0-9a-f]{2} ){4}) \|/.exec(line)?.[1]?.replaceAll(' ', '');
}
