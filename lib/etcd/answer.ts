import type { IncomingMessage } from 'node:http';
import { type Asked, parseRefusal, toFailure } from './failure.ts';
import { type JsonObject, parseJson, TooLong } from './wire.ts';

/** Bytes of an answer at most. */
const longestAnswer = 64 * 1024 * 1024;

/**
 * Reads an answer to its end.
 * @throws EtcdError for what the gateway refuses, Malformed for what no gateway answers
 */
export async function readAnswer(answer: IncomingMessage, asked: Asked): Promise<JsonObject> {
  await refuseFailure(answer, asked);
  return parseJson(await readText(answer));
}

/** @throws EtcdError for a status that says that the call has failed */
export async function refuseFailure(answer: IncomingMessage, asked: Asked): Promise<void> {
  const { statusCode: status = 0 } = answer;
  if (status >= 200 && status < 300) return;
  const text = await readText(answer);
  throw toFailure(explain(text) ?? { code: undefined, message: `HTTP ${status} ${excerpt(text)}` }, asked);
}

function explain(text: string): ReturnType<typeof parseRefusal> {
  try {
    return parseRefusal(parseJson(text));
  } catch {
    return undefined;
  }
}

function excerpt(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}

async function readText(answer: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    pieces.push(piece);
    length += piece.length;
    if (length > longestAnswer) throw new TooLong(`the answer is longer than ${longestAnswer} bytes`);
  }
  return Buffer.concat(pieces).toString();
}
