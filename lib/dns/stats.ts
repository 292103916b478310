import { Rcode, type RcodeName } from './wire.ts';

/** What a DNS server has done since its start; each number only grows. */
export type DnsStats = {
  /** Answers sent, by how the query ended. */
  readonly outcomes: Record<RcodeName, number>;
  /** Answers that were sent before, and still held. */
  cacheHits: number;
  /** Queries that an upstream was asked. */
  forwarded: number;
  /** Answers with TC: the asker must come over TCP for the whole. */
  truncated: number;
  /** Queries beyond what their source is allowed. */
  limited: number;
  /** Packets that are no query that can be read; most get no answer. */
  malformed: number;
  /** TCP connections that were closed at once, because there were too many. */
  refusedConnections: number;
};

export function createStats(): DnsStats {
  return {
    outcomes: { noError: 0, formErr: 0, servFail: 0, nxDomain: 0, notImp: 0, refused: 0, badVers: 0 },
    cacheHits: 0,
    forwarded: 0,
    truncated: 0,
    limited: 0,
    malformed: 0,
    refusedConnections: 0,
  };
}

const names = new Map(Object.entries(Rcode).map(([name, rcode]) => [rcode as number, name as RcodeName]));

/** Counts an answer; what an upstream answers with a code unknown here is left out. */
export function countOutcome({ outcomes }: DnsStats, rcode: number): void {
  const name = names.get(rcode);
  if (name !== undefined) outcomes[name]++;
}
