import { type Instance, isHealthy } from '../registry/instance.ts';
import { hasTags } from './tags.ts';

/** Conditions on an instance to be picked. */
export type Wanted = {
  /** A port's name or number. */
  readonly port?: string | undefined;
  readonly family?: string | undefined;
  readonly tags: readonly string[];
};

/** Which instances of a service may be picked. */
export type Candidates = {
  /** How many meet the conditions, healthy or not. */
  readonly fitting: number;
  /** The healthy ones, one of each attachment. */
  readonly list: readonly Instance[];
};

/** Conditions remembered of one service at most. */
const mostRemembered = 64;

/** The candidates of each state of a service: the same list from pick to pick, which strategies know again. */
export class CandidateLists {
  readonly #ofList = new WeakMap<readonly Instance[], Map<string, Candidates>>();

  /** @param instances all of a service, as a view gives them */
  of(instances: readonly Instance[], wanted: Wanted): Candidates {
    const key = JSON.stringify([wanted.port, wanted.family, wanted.tags]);
    const known = this.#ofList.get(instances) ?? new Map<string, Candidates>();
    this.#ofList.set(instances, known);
    const found = known.get(key) ?? select(instances, wanted);
    if (known.size < mostRemembered) known.set(key, found);
    return found;
  }
}

function select(instances: readonly Instance[], { port, family, tags }: Wanted): Candidates {
  const fitting = instances.filter(
    (instance) =>
      (port === undefined || instance.portName === port || String(instance.port) === port) &&
      (family === undefined || String(instance.family) === family) &&
      hasTags(instance, tags),
  );
  return { fitting: fitting.length, list: onePerAttachment(fitting.filter(isHealthy)) };
}

/**
 * The first instance of each container's interface: one with two addresses or ports must not be chosen twice as often.
 */
function onePerAttachment(instances: readonly Instance[]): readonly Instance[] {
  const seen = new Set<string>();
  return instances.filter(({ id, owner }) => {
    const key =
      owner.kind === 'api' ? id : [owner.node, owner.network, owner.containerId, owner.ifName].join('/');
    return !seen.has(key) && seen.add(key);
  });
}
