import { connect, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from 'node:http2';
import { messageOf } from '../errors/cni-error.ts';
import type { Probe } from '../registry/health-check.ts';
import { decodeCheckResponse, encodeCheckRequest } from './grpc-health-message.ts';
import { authorityOf, mostRead, type StartProbe, type Verdict } from './probe-attempt.ts';

type GrpcProbe = Extract<Probe, { kind: 'grpc' }>;

/** What a gRPC server has said so far. */
type Answer = { httpStatus?: number; grpcStatus?: string; grpcMessage?: string; readonly body: Buffer[] };

/** gRPC health checking protocol over HTTP/2 without TLS; passing for SERVING. */
export const startGrpcProbe: StartProbe<GrpcProbe> = ({ service }, target, settle) => {
  const session = connect(`http://${authorityOf(target)}`);
  const fail = (error: Error) => settle({ ok: false, output: error.message });
  session.on('error', fail);
  // A server that speaks no HTTP/2 may close the connection without an error.
  session.on('close', () => settle({ ok: false, output: 'the connection was closed without an answer' }));
  const stream = session.request({
    ':method': 'POST',
    ':path': '/grpc.health.v1.Health/Check',
    'content-type': 'application/grpc',
    te: 'trailers',
    'user-agent': 'fairlead-health',
  });
  const answer: Answer = { body: [] };
  let size = 0;
  stream.on('error', fail);
  stream.on('response', (headers) => note(answer, headers));
  stream.on('trailers', (headers) => note(answer, headers));
  stream.on('data', (chunk: Buffer) => {
    answer.body.push(chunk);
    size += chunk.length;
    if (size > mostRead) settle({ ok: false, output: `the answer is longer than ${mostRead} octets` });
  });
  stream.on('end', () => settle(judgeAnswer(answer, service)));
  stream.end(encodeCheckRequest(service));
  return { stop: () => session.destroy() };
};

function note(answer: Answer, headers: IncomingHttpHeaders & IncomingHttpStatusHeader): void {
  const { ':status': httpStatus, 'grpc-status': grpcStatus, 'grpc-message': grpcMessage } = headers;
  if (httpStatus !== undefined) answer.httpStatus = httpStatus;
  if (typeof grpcStatus === 'string') answer.grpcStatus = grpcStatus;
  if (typeof grpcMessage === 'string') answer.grpcMessage = grpcMessage;
}

/** What the two most likely failures mean (gRPC status codes 5 and 12). */
const meanings: Readonly<Record<string, string>> = {
  5: 'NOT_FOUND: the server has no such service',
  12: 'UNIMPLEMENTED: the server has no grpc.health.v1.Health',
};

function judgeAnswer(answer: Answer, service: string): Verdict {
  const { httpStatus, grpcStatus, grpcMessage = '' } = answer;
  const asked = service === '' ? 'gRPC health' : `gRPC health of ${service}`;
  if (httpStatus !== 200) return { ok: false, output: `${asked}: HTTP status ${httpStatus}` };
  if (grpcStatus !== '0') {
    const meaning = meanings[grpcStatus ?? ''] ?? decodeMessage(grpcMessage);
    return { ok: false, output: `${asked}: grpc-status ${grpcStatus ?? 'missing'} ${meaning}` };
  }
  try {
    const status = decodeCheckResponse(Buffer.concat(answer.body));
    return { ok: status === 'SERVING', output: `${asked}: ${status}` };
  } catch (error) {
    return { ok: false, output: `${asked}: ${messageOf(error)}` };
  }
}

/** Percent-encoded (gRPC over HTTP/2, "Status-Message"); what is not stays as it is. */
function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
