import type { Context } from './context.ts';
import { type DnsFigures, measureDns } from './dns.ts';
import { type Leaving, measureLeaving } from './leaving.ts';
import { measureRegistration, type Registration } from './registration.ts';
import { measureResolvable, type Resolvable } from './resolvable.ts';
import { measureWatchers, type WatchFigures } from './watchers.ts';

/** What has to do with names. */
export type RegistryFigures = {
  readonly registration: Registration;
  readonly resolvable: Resolvable;
  readonly dns: DnsFigures;
  readonly watchers: readonly WatchFigures[];
  readonly leaving: Leaving;
};

/** Measures registration, and what the agent serves. */
export async function measureRegistry(context: Context): Promise<RegistryFigures> {
  return {
    registration: await measureRegistration(context),
    resolvable: await measureResolvable(context),
    dns: await measureDns(context),
    watchers: await measureWatchers(context),
    leaving: await measureLeaving(context),
  };
}
