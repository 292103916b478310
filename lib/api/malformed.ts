import { type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { errnoOf } from '../errors/system-error.ts';
import { ApiError, renderError } from './api-error.ts';

/** Answers what is no HTTP request, or does not become one in time, as everything else is answered: with JSON. */
export function answerMalformed(server: Server): void {
  const responses = new WeakMap<Duplex, ServerResponse>();
  server.on('request', (request, response) => responses.set(request.socket, response));
  server.on('clientError', (error, socket) => {
    const hasBegun = responses.get(socket)?.headersSent === true && responses.get(socket)?.finished === false;
    if (errnoOf(error) === 'ECONNRESET' || !socket.writable || hasBegun) socket.destroy();
    else socket.end(renderRaw(toProblem(error)), () => socket.destroy());
  });
}

function toProblem(error: Error): ApiError {
  switch (errnoOf(error)) {
    case 'HPE_HEADER_OVERFLOW':
      return new ApiError(431, 'the headers of the request are too large', {
        hint: 'send fewer or shorter ones',
      });
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new ApiError(413, 'the chunk extensions of the request are too large');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ApiError(408, 'the request took too long to arrive', { hint: 'send it again, at once' });
    default:
      return new ApiError(400, 'this is not an HTTP request');
  }
}

function renderRaw(error: ApiError): string {
  const body = renderError(error);
  return [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
