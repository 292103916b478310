import type { Registry } from 'prom-client';
import type { Run } from '../../lib/exec/command.ts';
import type { Listen } from '../../lib/exec/lines.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import type { StartWorker } from '../../lib/exec/start-worker.ts';
import type { RegistrarParts } from '../../lib/registry/registrar.ts';
import type { Records } from '../../lib/rules/records.ts';

/** What the agent is given by the composition root. */
export type AgentParts = RegistrarParts & {
  readonly machine: Machine;
  /** Of the rules that each attachment has. */
  readonly records: Records;
  /** For what is asked of the kernel's tools beside other work. */
  readonly run: Run;
  readonly listen: Listen;
  /** For those who carry out CNI calls. */
  readonly startWorker: StartWorker;
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
