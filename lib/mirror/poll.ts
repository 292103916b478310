import { sleep } from '../client/backoff.ts';

export type PollOptions<T> = {
  readonly read: (signal: AbortSignal) => Promise<T>;
  /** The same for values that say the same. */
  readonly toText: (value: T) => string;
  readonly everyMs: number;
};

/** A value as it is, and again when it has changed, until the signal. @throws what reading it throws */
export async function* poll<T>(
  { read, toText, everyMs }: PollOptions<T>,
  signal: AbortSignal,
): AsyncGenerator<T> {
  let told: string | undefined;
  while (!signal.aborted) {
    const value = await readUntil(read, signal);
    if (value === undefined) return;
    const text = toText(value.read);
    if (text !== told) yield value.read;
    told = text;
    await sleep(everyMs, signal);
  }
}

/** Undefined where the signal has come meanwhile. */
async function readUntil<T>(
  read: PollOptions<T>['read'],
  signal: AbortSignal,
): Promise<{ readonly read: T } | undefined> {
  try {
    return { read: await read(signal) };
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}
