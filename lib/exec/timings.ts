import type { Machine } from './machine.ts';

/** One part of a call: when it began, counted from the start of the process, and how long it took, in ms. */
export type Timing = { readonly what: string; readonly atMs: number; readonly tookMs: number };

/** The machine with a record of every process that it runs. */
export function withTimings(machine: Machine, record: (timing: Timing) => void): Machine {
  return {
    ...machine,
    run: (command) => {
      const atMs = performance.now();
      const outcome = machine.run(command);
      record({ what: command.file, atMs, tookMs: performance.now() - atMs });
      return outcome;
    },
  };
}
