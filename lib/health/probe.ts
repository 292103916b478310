import { isIP } from 'node:net';
import type { Probe } from '../registry/health-check.ts';
import { startGrpcProbe } from './probe-grpc.ts';
import { startHttpProbe } from './probe-http.ts';
import { startTcpProbe } from './probe-tcp.ts';

/** A probe that is made by us; with a TTL the instance reports by itself. */
export type ActiveProbe = Exclude<Probe, { kind: 'ttl' }>;

/** Where a probe is sent: the address as canonical text; the port is replaced by the probe's own, if it has one. */
export type ProbeTarget = { readonly address: string; readonly port: number };

export type ProbeResult = {
  readonly ok: boolean;
  /** What was answered or what went wrong: one line of printable text, at most 1 KiB. */
  readonly output: string;
  readonly latencyMs: number;
};

export type Verdict = Omit<ProbeResult, 'latencyMs'>;

/** A probe under way. */
export type Attempt = {
  /** Closes the connection. */
  readonly stop: () => void;
  /** What can be said already, where time is up before the answer has ended. */
  readonly verdictSoFar?: () => Verdict | undefined;
};

/** Begins a probe; `settle` is called later, any number of times, of which the first counts. */
export type StartProbe<P> = (probe: P, target: ProbeTarget, settle: (verdict: Verdict) => void) => Attempt;

export type ProbeLimits = { readonly timeoutMs: number; readonly signal: AbortSignal };

/** Octets of an answer that are read, and octets of it that are kept. */
export const mostRead = 4_096;
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
  if (problem !== undefined) {
    settle({ ok: false, output: problem });
    return { stop: () => undefined };
  }
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

/** Address and port as they stand in a URL and in a Host header (RFC 3986, section 3.2.2). */
export function authorityOf({ address, port }: ProbeTarget): string {
  return isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}
