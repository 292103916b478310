import type { Instance } from '../../registry/instance.ts';
import { isHealthy } from '../../registry/instance.ts';
import type { OpenOptions } from '../mirror.ts';
import { outsideName } from '../service-name.ts';
import type { ConsulConfig } from './config.ts';
import { toConsulMeta } from './metadata.ts';
import { hostServiceId, serviceIdPrefix } from './service-id.ts';

/** A service as a Consul agent has it, with whatever of its checks can be read back; its fields always in this order. */
export type Standing = {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  /** In the order of the keys. */
  readonly meta: Readonly<Record<string, string>>;
  readonly weights: { readonly passing: number; readonly warning: number };
  /** Addresses beside its own, in JSON; empty where there are none. */
  readonly otherAddresses: string;
  readonly enableTagOverride: boolean;
  /** In the order of their ids. */
  readonly checks: readonly StandingCheck[];
};

export type StandingCheck = {
  readonly id: string;
  /** `alias`: as the host's service is; `ttl`: as it was set. */
  readonly type: string;
  readonly name: string;
  readonly notes: string;
  /** Empty for an alias: its status is not its own. */
  readonly status: string;
};

/** How a machine's instances are to stand. */
export type StandingOptions = Pick<OpenOptions, 'node' | 'session'> & Pick<ConsulConfig, 'deregisterAfterMs'>;

/** Pure. */
export function toStanding(instance: Instance, options: StandingOptions): Standing {
  const id = serviceIdPrefix(options.node) + instance.id;
  return {
    id,
    name: outsideName(instance),
    address: instance.address,
    port: instance.port,
    tags: instance.tags,
    meta: toConsulMeta(instance),
    weights: { passing: Math.max(1, instance.weight), warning: 1 },
    otherAddresses: '',
    enableTagOverride: false,
    checks: [...hostChecks(id, options), ...statusChecks(id, instance)],
  };
}

/** Consul does not tell when it would deregister: the notes do, so that another setting makes another text. */
function hostChecks(id: string, { node, session, deregisterAfterMs }: StandingOptions): StandingCheck[] {
  if (session === 'none') return [];
  const after = deregisterAfterMs === 'never' ? 'never' : `after ${deregisterAfterMs / 1000}s`;
  const notes = `as ${hostServiceId(node)}; deregistered ${after}`;
  return [{ id: `${id}:host`, type: 'alias', name: 'host', notes, status: '' }];
}

function statusChecks(id: string, instance: Instance): StandingCheck[] {
  if (isHealthy(instance)) return [];
  return [{ id: `${id}:status`, type: 'ttl', name: 'status', notes: instance.status, status: 'critical' }];
}
