import type { Registry } from 'prom-client';
import type { Machine } from '../../lib/exec/machine.ts';
import type { RegistrarParts } from '../../lib/registry/registrar.ts';

/** What the agent is given by the composition root. */
export type AgentParts = RegistrarParts & {
  readonly machine: Machine;
  /** Lines for the log. */
  readonly writeLog: (line: string) => void;
  /** Called once; `stop` is called when the agent is to end. */
  readonly onStop: (stop: (why: string) => void) => void;
  readonly version: string;
  readonly hostName: string;
  /** The plugins whose attachments are registered, by type. */
  readonly registering: ReadonlySet<string>;
  /** Metrics of the process itself, which outlive a session. */
  readonly processMetrics: Registry;
};
