import { isIP } from 'node:net';
import type { Probe } from '../registry/health-check.ts';

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

/** Octets of an answer that are read at most. */
export const mostRead = 4_096;

/** Address and port as they stand in a URL and in a Host header (RFC 3986, section 3.2.2). */
export function authorityOf({ address, port }: ProbeTarget): string {
  return isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}
