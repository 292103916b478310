import type { ServerResponse } from 'node:http';
import { type ApiError, renderError } from './api-error.ts';

/** An answer as data; the body is text or bytes that may be shared by many answers. */
export type Reply = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: { readonly type: string; readonly content: string | Uint8Array };
};

/** An answer that goes on until somebody ends it. */
export type StreamReply = { readonly stream: (response: ServerResponse) => void };

const jsonType = 'application/json';

/** 200 with a value, or with another status. */
export function json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Reply {
  return renderedJson(JSON.stringify(value), { status, headers });
}

/** JSON that is text already. */
export function renderedJson(
  content: string | Uint8Array,
  { status = 200, headers = {} }: { status?: number; headers?: Readonly<Record<string, string>> } = {},
): Reply {
  return { status, headers, body: { type: jsonType, content } };
}

/** A text that many are answered. What is short goes out in one piece with the headers; what is long is encoded once. */
export function toContent(text: string): string | Uint8Array {
  return text.length < 8_192 ? text : Buffer.from(text);
}

/** 204: done, and there is nothing to say. */
export const noContent: Reply = { status: 204 };

export function toErrorReply(error: ApiError): Reply {
  return renderedJson(renderError(error), error);
}
