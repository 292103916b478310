import { type IncomingMessage, request } from 'node:http';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { messageOf } from '../errors/cni-error.ts';
import type { Probe } from '../registry/health-check.ts';
import { authorityOf, mostRead, type ProbeTarget, type StartProbe, type Verdict } from './probe-attempt.ts';

type HttpProbe = Extract<Probe, { kind: 'http' }>;

/**
 * GET of a path, passing for a 2xx answer as Consul has it. The status decides alone; of the body what comes in time is
 * kept for people to read.
 */
export const startHttpProbe: StartProbe<HttpProbe> = (probe, target, settle) => {
  let answer: { readonly head: IncomingMessage; body: string } | undefined;
  const verdictSoFar = () => (answer === undefined ? undefined : judgeAnswer(answer.head, answer.body));
  const conclude = (problem: string) => settle(verdictSoFar() ?? { ok: false, output: problem });
  const sent = request({
    method: 'GET',
    path: probe.path,
    headers: {
      host: authorityOf(target),
      'user-agent': 'fairlead-health',
      accept: '*/*',
      connection: 'close',
    },
    // A connection that no agent knows is used once and closed.
    createConnection: () => openSocket(probe, target),
  });
  sent.on('response', (head) => {
    answer = { head, body: '' };
    readBody(head, (body) => {
      answer = { head, body };
    }).then(
      () => conclude(''),
      (error) => conclude(messageOf(error)),
    );
  });
  sent.on('error', ({ message }) => conclude(message));
  sent.on('upgrade', ({ statusCode }, socket) => {
    socket.destroy();
    settle({ ok: false, output: `HTTP status ${statusCode}` });
  });
  sent.end();
  return { stop: () => sent.destroy(), verdictSoFar };
};

function openSocket({ scheme, verify = false }: HttpProbe, { address, port }: ProbeTarget): Socket {
  if (scheme === 'http') return connectTcp({ host: address, port });
  return connectTls({ host: address, port, rejectUnauthorized: verify, ALPNProtocols: ['http/1.1'] });
}

async function readBody(head: IncomingMessage, learn: (body: string) => void): Promise<void> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of head as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    learn(Buffer.concat(chunks).subarray(0, mostRead).toString());
    if (size >= mostRead) break;
  }
}

function judgeAnswer({ statusCode = 0, statusMessage = '' }: IncomingMessage, body: string): Verdict {
  const line = `HTTP status ${statusCode} ${statusMessage}`.trimEnd();
  return {
    ok: statusCode >= 200 && statusCode < 300,
    output: body === '' ? line : `${line}: ${body}`,
  };
}
