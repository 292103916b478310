import { type RequestOptions, request } from 'node:http';
import { text } from 'node:stream/consumers';

/** Far over the slowest answer. */
const timeoutMs = 10_000;

/** What the API answers to a GET. */
export function getText(socket: string, path: string): Promise<string> {
  return exchange({ socketPath: socket, path }, undefined);
}

/** What the API answers to a JSON body. */
export function postJson(socket: string, path: string, body: object): Promise<string> {
  return exchange({ socketPath: socket, path, method: 'POST' }, JSON.stringify(body));
}

/** @throws Error unless the answer is one of success */
async function exchange(options: RequestOptions, body: string | undefined): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const headers = { 'Content-Type': 'application/json' };
  const signal = AbortSignal.timeout(timeoutMs);
  const asked = request({ ...options, headers, signal }, async (response) => {
    const answer = await text(response);
    const { statusCode = 0 } = response;
    if (statusCode >= 200 && statusCode < 300) resolve(answer);
    else reject(new Error(`${options.path}: the API answers ${statusCode} ${answer}`));
  });
  asked.on('error', reject).end(body);
  return await promise;
}
