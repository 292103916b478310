import type { Instance } from './instance.ts';
import type { ServiceKey } from './view.ts';

/**
 * A registry outside of this machine, as every adapter offers it. Whatever a mirror writes is marked with the machine
 * that owns it; entries of others are never changed. Methods reject when the registry cannot be reached or refuses, and
 * may then have done part of their work: everything is idempotent and will be tried again.
 */
export type Mirror = AsyncDisposable & {
  /** Unique on this machine; under it the outbox remembers what has been delivered. */
  readonly name: string;
  /** Makes the registry's entries of these instances equal to them. */
  readonly put: (instances: readonly Instance[], signal: AbortSignal) => Promise<void>;
  /** Takes entries away; what is not there is removed already. */
  readonly remove: (instances: readonly Instance[], signal: AbortSignal) => Promise<void>;
  /** All entries that this machine owns. */
  readonly listOwn: (signal: AbortSignal) => Promise<readonly Instance[]>;
  /** A service's healthy instances, whoever owns them. */
  readonly query: (service: ServiceKey, signal: AbortSignal) => Promise<readonly Instance[]>;
  /** The same, first as they are and then again after each change, until the signal. */
  readonly watch: (service: ServiceKey, signal: AbortSignal) => AsyncIterable<readonly Instance[]>;
};
