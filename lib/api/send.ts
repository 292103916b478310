import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApiLimits } from './limits.ts';
import type { Reply, StreamReply } from './reply.ts';

/** How long a request that was refused unread may go on sending, so that the caller gets to read why. */
const lingerMs = 1_000;

const commonHeaders = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };

type Exchange = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly limits: ApiLimits;
};

/** Sends an answer, or hands the response over to a stream. */
export function send(reply: Reply | StreamReply, { request, response, limits }: Exchange): void {
  if ('stream' in reply) {
    reply.stream(response);
    return;
  }
  const { status, headers, body } = reply;
  const described =
    body === undefined
      ? {}
      : { 'Content-Type': body.type, 'Content-Length': Buffer.byteLength(body.content) };
  response.writeHead(status, { ...commonHeaders, ...described, ...headers });
  // Whoever does not read his answer is not waited for; Node sets a time of its own for the next request.
  request.socket.setTimeout(limits.replyTimeoutMs);
  const content = request.method === 'HEAD' ? undefined : body?.content;
  if (headers?.Connection === 'close' && !request.complete) endAfterBody(request, response, content);
  else response.end(content);
}

/** A connection that is closed with unread data in it is reset, and the answer is lost on the way. */
function endAfterBody(
  request: IncomingMessage,
  response: ServerResponse,
  content: string | Uint8Array | undefined,
): void {
  if (content !== undefined) response.write(content);
  const timer = setTimeout(() => response.end(), lingerMs);
  request.once('end', () => response.end());
  response.once('close', () => clearTimeout(timer));
  request.resume();
}
