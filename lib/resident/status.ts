import type { FallbackReason } from './fallbacks.ts';
import type { Times } from './times.ts';

/** How many calls of one kind took one path: a worker's, or that of an executable which the client started. */
export type CallCount = {
  readonly path: 'resident' | 'executable';
  readonly plugin: string;
  readonly verb: string;
  /** Of the error; 0 after a success; empty where it is not known. */
  readonly code: string;
  readonly count: number;
};

/** How often clients have executed calls by themselves for one reason. */
export type FallbackCount = {
  readonly reason: FallbackReason;
  readonly count: number;
  readonly lastAtMs: number;
};

/** How long the parts of a verb's calls take. */
export type PhaseTimes = {
  readonly verb: string;
  /** Of how many calls. */
  readonly of: number;
  readonly medianMs: Times;
};

/** What is counted of calls, and of those who serve them. */
export type CniCounts = {
  readonly workers: {
    readonly wanted: number;
    readonly running: number;
    /** How often one has ended unasked. */
    readonly restarts: number;
  };
  readonly calls: readonly CallCount[];
  readonly fallbacks: readonly FallbackCount[];
};

/** How the agent serves CNI calls; texts and numbers only. */
export type CniStatus = CniCounts & {
  readonly socket: string;
  /** Whether the agent has the socket at the moment. */
  readonly isServing: boolean;
  readonly phases: readonly PhaseTimes[];
  readonly problems: readonly string[];
};
