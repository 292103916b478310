/** The run was asked to end before its time. */
export class Interrupted extends Error {
  readonly exitStatus: number;

  constructor(signal: NodeJS.Signals, number: number) {
    super(`ended by ${signal}`);
    this.exitStatus = 128 + number;
  }
}

const signals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/**
 * Aborts at the first signal that asks this process to end, and takes no heed of the others: removing what the run
 * has made must not be cut off.
 */
export function watchSignals(): AbortSignal {
  const controller = new AbortController();
  for (const [signal, number] of Object.entries(signals)) {
    process.on(signal, () => controller.abort(new Interrupted(signal as NodeJS.Signals, number)));
  }
  return controller.signal;
}
