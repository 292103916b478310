import { availableParallelism } from 'node:os';
import type { Fields } from '../../lib/cni/fields.ts';

/** How the agent serves CNI calls. */
export type CniSettings = {
  /** Processes, each of which carries out one call at a time. */
  readonly workers: number;
  /** How many callers may wait for a worker. */
  readonly queue: number;
  /** Whether links and rules are changed by netlink; otherwise by `ip` and `nft`. */
  readonly netlink: boolean;
};

/** A call waits for the kernel now and then: more workers than cores have something to do. */
const spareWorkers = 2;
const mostUnasked = 8;

/** The block `cni` of the agent's configuration; an empty one has calls served. @throws CniError code 7 naming the field */
export function parseCniConfig(fields: Fields): CniSettings {
  fields.only('workers', 'queue', 'netlink');
  const usual = Math.min(availableParallelism() + spareWorkers, mostUnasked);
  return {
    workers: fields.integer('workers', { min: 1, max: 64 }) ?? usual,
    queue: fields.integer('queue', { min: 1, max: 4096 }) ?? 256,
    netlink: fields.boolean('netlink') ?? true,
  };
}
