import type { Fields } from '../cni/fields.ts';
import type { Instance } from '../registry/instance.ts';
import type { ServiceKey } from '../registry/view.ts';

/** What stands, or is to stand, in an outside registry. */
export type Entry = {
  /** Where: unique in the registry, in its adapter's own writing. */
  readonly key: string;
  /** What is there, as text that is the same exactly where the registry would say the same. */
  readonly content: string;
};

/** An entry that the registry does not take, although it takes others: it is not tried again until it changes or all is compared. */
export type Refusal = { readonly key: string; readonly because: string };

/**
 * An outside registry as this machine writes to it. Whatever is written is marked with the machine that owns it; entries
 * of others are never changed. Calls reject when the registry cannot be reached or refuses them as a whole, and may then
 * have done part of their work: everything is idempotent and will be tried again. Errors name the registry and the call.
 */
export type Mirror = AsyncDisposable & {
  /** Unique on this machine; under it the store remembers what has been delivered. */
  readonly name: string;
  /**
   * What an instance is there; nothing where the registry has no place for it, such as an unhealthy one where there is no
   * health. Several instances may claim one key: the first by its id has it. Pure.
   */
  readonly render: (instance: Instance) => readonly Entry[];
  /** Makes these entries stand. @returns those that were refused */
  readonly put: (entries: readonly Entry[], signal: AbortSignal) => Promise<readonly Refusal[]>;
  /** Takes entries away; what is not there, or another's, is removed already. */
  readonly remove: (keys: readonly string[], signal: AbortSignal) => Promise<readonly Refusal[]>;
  /** All entries that this machine owns, from whatever process or boot; keeps them alive from now on. */
  readonly listOwn: (signal: AbortSignal) => Promise<readonly Entry[]>;
  /**
   * Keeps this machine's entries alive (lease, session, heartbeats) until the signal; never rejects.
   * @param onLost called when entries have gone, or may have: all is to be compared. So it is once whenever keeping them
   *   alive begins to fail: the comparison then fails by the registry's own error, and is tried until it succeeds
   */
  readonly run: (onLost: () => void, signal: AbortSignal) => Promise<void>;
};

/** An outside registry as it is read, whoever wrote to it. A service's name is the registry's own. */
export type Source = {
  /** Under which name the registry has a service of ours. Pure. */
  readonly nameOf: (service: ServiceKey) => string;
  /**
   * A service's healthy instances; none for a service that nobody knows. What a machine of ours wrote is as it was there
   * (its owner the machine's id), as far as the registry has a place for it; the rest is of the namespace `default` and has an
   * owner whose node no machine has.
   */
  readonly query: (name: string, signal: AbortSignal) => Promise<readonly Instance[]>;
  /**
   * The same, first as they are and then again after each change, until the signal. Whoever is slow is told the latest.
   * While the registry cannot be reached, it throws; whoever reads begins anew.
   */
  readonly watch: (name: string, signal: AbortSignal) => AsyncIterable<readonly Instance[]>;
  /** The names of all services, in the same way. */
  readonly watchNames: (signal: AbortSignal) => AsyncIterable<readonly string[]>;
};

/** What an adapter offers. */
export type OutsideRegistry = Mirror & Source;

/** What an adapter is opened with, beside its own configuration. */
export type OpenOptions = {
  /** Of the mirror, as the operator called it. */
  readonly name: string;
  /** The id of this machine, a DNS label. */
  readonly node: string;
  /** `none` for a process that ends at once: what it writes outlives it, until an agent takes it over. */
  readonly session: 'held' | 'none';
};

/** A kind of outside registry: how its part of the configuration is read, and how it is opened. */
export type RegistryKind<Config> = {
  /** As the configuration's `type` says it. */
  readonly kind: string;
  /**
   * Reads the fields of its own; what all kinds have in common (name, type, …) is read already.
   * @throws CniError code 7 naming the field
   */
  readonly parse: (fields: Fields) => Config;
  /** Field names that `parse` reads. */
  readonly fields: readonly string[];
  /** Opens no connection yet. */
  readonly open: (config: Config, options: OpenOptions) => OutsideRegistry;
};
