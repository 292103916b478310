import { isIP } from 'node:net';
import { messageOf } from '../errors/cni-error.ts';
import type { ActiveProbe, Attempt, ProbeResult, ProbeTarget, Verdict } from './probe-attempt.ts';
import { startGrpcProbe } from './probe-grpc.ts';
import { startHttpProbe } from './probe-http.ts';
import { startTcpProbe } from './probe-tcp.ts';

export type ProbeLimits = { readonly timeoutMs: number; readonly signal: AbortSignal };

/** Octets of an answer that are kept. */
const mostKept = 1_024;

/**
 * Asks an instance once whether it is well. Never rejects: whatever goes wrong is the instance's failure. No name is
 * resolved, no redirect followed, no connection kept.
 */
export function runProbe(
  probe: ActiveProbe,
  target: ProbeTarget,
  { timeoutMs, signal }: ProbeLimits,
): Promise<ProbeResult> {
  const startedAtMs = performance.now();
  const { promise, resolve } = Promise.withResolvers<Verdict>();
  const attempt = start(probe, { ...target, port: probe.port ?? target.port }, resolve);
  const timer = setTimeout(() => {
    resolve(attempt.verdictSoFar?.() ?? { ok: false, output: `no answer within ${timeoutMs} ms` });
  }, timeoutMs);
  const abort = () => resolve({ ok: false, output: 'the check was called off' });
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  return promise.then(({ ok, output }) => {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    attempt.stop();
    return { ok, output: toPrintable(output), latencyMs: performance.now() - startedAtMs };
  });
}

function start(probe: ActiveProbe, target: ProbeTarget, settle: (verdict: Verdict) => void): Attempt {
  const problem = problemOf(target);
  if (problem !== undefined) return refuse(problem, settle);
  try {
    return startKind(probe, target, settle);
  } catch (error) {
    // A path that no request can have, from a registry that somebody else has written.
    return refuse(messageOf(error), settle);
  }
}

function refuse(problem: string, settle: (verdict: Verdict) => void): Attempt {
  settle({ ok: false, output: problem });
  return { stop: () => undefined };
}

function startKind(probe: ActiveProbe, target: ProbeTarget, settle: (verdict: Verdict) => void): Attempt {
  switch (probe.kind) {
    case 'http':
      return startHttpProbe(probe, target, settle);
    case 'tcp':
      return startTcpProbe(probe, target, settle);
    case 'grpc':
      return startGrpcProbe(probe, target, settle);
  }
}

function problemOf({ address, port }: ProbeTarget): string | undefined {
  if (isIP(address) === 0) return `${JSON.stringify(address)} is no IP address`;
  if (port >= 1 && port <= 65_535) return undefined;
  return 'the instance has no port: set the port of its check';
}

/** One line without control and other invisible characters, cut at a whole character. */
export function toPrintable(text: string): string {
  const line = text.replace(/[\p{C}\p{Z}]+/gu, ' ').trim();
  const { read } = new TextEncoder().encodeInto(line, new Uint8Array(mostKept));
  return line.slice(0, read);
}
