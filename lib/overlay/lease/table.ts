import { messageOf } from '../../errors/cni-error.ts';
import type { KeyValue, WatchEvent } from '../../etcd/etcd.ts';
import type { Followed } from '../../etcd/follow.ts';
import type { SubnetLease, Subnets } from './lease.ts';
import { parseSubnetName } from './name.ts';
import { type NetworkConfig, parseNetworkConfig } from './network-config.ts';
import { parseReservation, type Reservation } from './reservation.ts';
import { type LeaseProblem, parseLease } from './text.ts';

/** How a key stands in etcd. */
export type Stored = {
  readonly createRevision: number;
  readonly modRevision: number;
  /** The id of the etcd lease with which the key ends; undefined where it does not end. */
  readonly etcdLease: string | undefined;
};

/** What there is below an overlay's prefix; leases by the last part of their keys. */
export type LeaseTable = {
  /** Undefined where there is none (yet). */
  readonly config: NetworkConfig | LeaseProblem | undefined;
  readonly leases: ReadonlyMap<string, SubnetLease & Stored>;
  /** Kept for hosts that have not come yet. */
  readonly reservations: ReadonlyMap<string, Reservation & Stored>;
  /** What is wrong with the keys that are neither. */
  readonly problems: ReadonlyMap<string, LeaseProblem & Stored>;
};

export const emptyTable: LeaseTable = {
  config: undefined,
  leases: new Map(),
  reservations: new Map(),
  problems: new Map(),
};

/**
 * The table after what a follower of the prefix was told; a cluster that is away changes nothing.
 * @param prefix without a slash at its end
 */
export function updateTable(table: LeaseTable, followed: Followed, prefix: string): LeaseTable {
  switch (followed.kind) {
    case 'whole':
      return tableOf(followed.kvs, prefix);
    case 'changes':
      return applyEvents(table, followed.events, prefix);
    case 'lost':
      return table;
  }
}

/** The table of everything that is below the prefix. */
export function tableOf(kvs: readonly KeyValue[], prefix: string): LeaseTable {
  const events = kvs.map((kv) => ({ kind: 'put', kv }) as const);
  return applyEvents(emptyTable, events, prefix);
}

/** The subnets that somebody has or seems to have, by their keys' names: also of those keys that are not understood. */
export function subnetsByName(table: LeaseTable): ReadonlyMap<string, Subnets> {
  const names = [table.leases, table.reservations, table.problems].flatMap((map) => [...map.keys()]);
  const subnets = names.map((name) => [name, parseSubnetName(name)] as const);
  return new Map(subnets.filter((entry): entry is [string, Subnets] => entry[1] !== undefined));
}

function applyEvents(table: LeaseTable, events: readonly WatchEvent[], prefix: string): LeaseTable {
  const draft = {
    config: table.config,
    leases: new Map(table.leases),
    reservations: new Map(table.reservations),
    problems: new Map(table.problems),
  };
  const [configKey, subnetsKey] = [`${prefix}/config`, `${prefix}/subnets/`];
  for (const event of events) {
    const kv = event.kind === 'put' ? event.kv : undefined;
    const key = event.kind === 'put' ? event.kv.key : event.key;
    if (key === configKey) draft.config = kv === undefined ? undefined : toConfig(kv);
    else if (key.startsWith(subnetsKey)) replaceSubnet(draft, key.slice(subnetsKey.length), kv);
  }
  return draft;
}

function toConfig({ key, value }: KeyValue): LeaseTable['config'] {
  try {
    return parseNetworkConfig(value, key);
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

type Draft = {
  readonly leases: Map<string, SubnetLease & Stored>;
  readonly reservations: Map<string, Reservation & Stored>;
  readonly problems: Map<string, LeaseProblem & Stored>;
};

function replaceSubnet(draft: Draft, name: string, kv: KeyValue | undefined): void {
  for (const map of [draft.leases, draft.reservations, draft.problems]) map.delete(name);
  if (kv === undefined) return;
  const stored = toStored(kv);
  const reservation = parseReservation(name, kv.value);
  if (reservation !== undefined) {
    draft.reservations.set(name, { ...reservation, ...stored });
    return;
  }
  const lease = parseLease(name, kv.value);
  if ('problem' in lease) draft.problems.set(name, { ...lease, ...stored });
  else draft.leases.set(name, { ...lease, ...stored });
}

function toStored({ createRevision, modRevision, lease }: KeyValue): Stored {
  return { createRevision, modRevision, etcdLease: lease === '0' ? undefined : lease };
}
