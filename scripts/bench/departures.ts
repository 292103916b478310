import { setTimeout } from 'node:timers/promises';
import type { Host } from './host.ts';
import { leadsNowhere, leadsTo } from './question.ts';

/** Something with a name that is going to leave without saying so. */
export type Departure = {
  readonly name: string;
  readonly address: string;
  readonly leave: () => Promise<void>;
};

/** Where DNS is asked. */
export type Place = { readonly host: Host; readonly port: number; readonly interruption: AbortSignal };

/** Between two questions. */
const stepMs = 20;

/** Far over the slowest. */
const timeoutMs = 60_000;

/**
 * Has them leave one after the other, and waits for DNS to know.
 * @param everyMs from one that leaves to the next, so that not all of them meet the agent at the same moment
 * @returns how long each name was still answered after its bearer had begun to leave, in milliseconds
 * @throws Error for a name that did not lead to its address before, or that stays
 */
export async function measureDepartures(
  departures: readonly Departure[],
  everyMs: number,
  place: Place,
): Promise<readonly number[]> {
  for (const departure of departures) await requireThere(departure, place);
  return await Promise.all(
    departures.map(async (departure, at) => {
      await setTimeout(at * everyMs, undefined, { signal: place.interruption });
      return await measureDeparture(departure, place);
    }),
  );
}

async function requireThere({ name, address }: Departure, { host, port }: Place): Promise<void> {
  const [found] = await host.resolve({ port, names: [name] });
  if (found === undefined || !leadsTo(found, address)) {
    throw new Error(`${name} leads to ${JSON.stringify(found)}, not to ${address}`);
  }
}

async function measureDeparture({ name, leave }: Departure, { host, port }: Place): Promise<number> {
  const startedAt = performance.now();
  await leave();
  for (;;) {
    const [found] = await host.resolve({ port, names: [name] });
    const tookMs = performance.now() - startedAt;
    if (found !== undefined && leadsNowhere(found)) return tookMs;
    if (tookMs > timeoutMs) throw new Error(`${name} still leads to ${JSON.stringify(found)}`);
    await setTimeout(stepMs);
  }
}
