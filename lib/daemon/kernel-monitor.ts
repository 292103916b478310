import { sleep } from '../client/backoff.ts';
import type { Command } from '../exec/command.ts';
import type { Listen } from '../exec/lines.ts';
import type { Log } from '../log/log.ts';

export type KernelMonitorOptions = {
  readonly listen: Listen;
  readonly log: Log;
  /** What prints a line for each change. */
  readonly command: Pick<Command, 'file' | 'args'>;
  /** Whether a line may tell of something that matters. */
  readonly concerns: (line: string) => boolean;
  /** Called for what may matter. */
  readonly wake: () => void;
};

/** After it has ended by itself, the monitor is started again so much later. */
const pauseMs = 2_000;

/**
 * Wakes who compares the kernel with what it should be, as soon as somebody has changed it. Works until the signal; what
 * happened while nobody listened is found by the comparison that follows.
 */
export async function monitorKernel(options: KernelMonitorOptions, signal: AbortSignal): Promise<void> {
  const { log, wake, command } = options;
  let told = '';
  while (!signal.aborted) {
    const because = await listenOnce(options, signal);
    if (signal.aborted) return;
    // A tool that is missing is missing every time.
    if (because !== told)
      log.warn(`${command.file} monitor has ended; it is started again`, { because, pauseMs });
    told = because;
    await sleep(pauseMs, signal);
    wake();
  }
}

async function listenOnce(options: KernelMonitorOptions, signal: AbortSignal): Promise<string> {
  const { listen, command, concerns, wake } = options;
  await using listening = listen(command, (line) => {
    if (concerns(line)) wake();
  });
  const aborted = Promise.withResolvers<string>();
  const end = () => aborted.resolve('');
  signal.addEventListener('abort', end);
  try {
    return await Promise.race([listening.ended, aborted.promise]);
  } finally {
    // The signal lives as long as the agent, and sees many monitors.
    signal.removeEventListener('abort', end);
  }
}
