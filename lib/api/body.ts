import type { IncomingMessage } from 'node:http';
import { Fields } from '../cni/fields.ts';
import { parseJson } from '../cni/json.ts';
import { ApiError, badRequest } from './api-error.ts';

/** Deeper than anything that is asked for, and shallow enough to be shown in an error. */
const deepestNesting = 16;

/**
 * The body of a request as a JSON object; undefined where there is none.
 * @throws ApiError 400, 413 for more than `limitBytes`, 415 for a compressed body; CniError code 6
 */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<Fields | undefined> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    throw new ApiError(415, `the body is encoded as ${JSON.stringify(encoding)}`, {
      hint: 'send it as it is, without Content-Encoding',
    });
  }
  const bytes = await readBytes(request, limitBytes);
  return bytes.length === 0 ? undefined : parseObject(decodeUtf8(bytes));
}

/** A JSON object as fields, whose names match without regard to case. */
export function parseObject(text: string): Fields {
  const value = parseJson(text, 'the body');
  if (isDeeper(value, deepestNesting)) {
    throw badRequest(`the body is nested deeper than ${deepestNesting} levels`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return new Fields(value, '');
  throw badRequest(
    'the body is not a JSON object',
    'send an object such as {"Host": "10.1.0.2", "Port": 80}',
  );
}

async function readBytes(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw tooLarge(limitBytes);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // The request must outlive this loop: its connection still carries the answer.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      size += chunk.length;
      if (size > limitBytes) throw tooLarge(limitBytes);
      chunks.push(chunk);
    }
  } catch (error) {
    // Nobody is left to read this, and nothing is wrong here: it keeps the log quiet.
    throw request.errored === null ? error : badRequest('the body was not sent to its end');
  }
  return Buffer.concat(chunks);
}

function tooLarge(limitBytes: number): ApiError {
  return new ApiError(413, `the body is larger than ${limitBytes} bytes`, {
    hint: 'register one instance a request, and keep large metadata elsewhere',
    headers: { Connection: 'close' },
  });
}

function decodeUtf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw badRequest('the body is not UTF-8');
  }
}

/** JSON.parse takes any depth, and whoever shows the value afterwards would run out of stack. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((child) => isDeeper(child, levels - 1));
}
