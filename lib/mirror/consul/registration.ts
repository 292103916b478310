import type { ConsulConfig } from './config.ts';
import { hostServiceId, hostServiceName } from './service-id.ts';
import type { Standing, StandingCheck, StandingOptions } from './standing.ts';

/** The bodies of `PUT /v1/agent/service/register`; the fields' names are Consul's. */

/** Makes a service stand. Pure. */
export function toRegistration(standing: Standing, options: StandingOptions): object {
  return {
    ID: standing.id,
    Name: standing.name,
    Address: standing.address,
    Port: standing.port,
    Tags: standing.tags,
    Meta: standing.meta,
    Weights: { Passing: standing.weights.passing, Warning: standing.weights.warning },
    EnableTagOverride: false,
    Checks: standing.checks.map((check) => toCheck(check, options)),
  };
}

/** The service whose heartbeats this process sends. Pure. */
export function toHostRegistration(
  node: string,
  { ttlMs, deregisterAfterMs }: Pick<ConsulConfig, 'ttlMs' | 'deregisterAfterMs'>,
): object {
  const alive = { Name: 'alive', TTL: `${ttlMs}ms`, Status: 'passing', ...deregistration(deregisterAfterMs) };
  return {
    ID: hostServiceId(node),
    Name: hostServiceName,
    EnableTagOverride: false,
    Checks: [{ CheckID: hostCheckId(node), ...alive }],
  };
}

export function hostCheckId(node: string): string {
  return `${hostServiceId(node)}:alive`;
}

function toCheck({ id, type, name, notes, status }: StandingCheck, options: StandingOptions): object {
  const said = { CheckID: id, Name: name, Notes: notes };
  // Nobody renews that one: it stays as it is until another registration.
  if (type === 'ttl') return { ...said, TTL: '87600h', Status: status };
  const alias = { AliasService: hostServiceId(options.node), Status: 'passing' };
  return { ...said, ...alias, ...deregistration(options.deregisterAfterMs) };
}

function deregistration(afterMs: ConsulConfig['deregisterAfterMs']): object {
  return afterMs === 'never' ? {} : { DeregisterCriticalServiceAfter: `${afterMs}ms` };
}
