import type { HealthCheck, Probe } from '../registry/health-check.ts';
import type { Instance } from '../registry/instance.ts';

/**
 * An instance as the API shows it: the names are those that `POST` takes, so that what was read can be sent again.
 */
export function toInstanceJson(instance: Instance): Readonly<Record<string, unknown>> {
  const { id, namespace, service, serviceName, address, family, port, portName, transport } = instance;
  const { weight, tags, meta, endpoint, status, check, owner, createdAtMs, revision } = instance;
  return {
    id,
    namespace,
    service,
    serviceName,
    host: address,
    family,
    port,
    portName,
    protocol: transport,
    weight,
    tags,
    meta,
    endpoint,
    status,
    ...(check === undefined ? {} : { check: toCheckJson(check) }),
    owner: toOwnerJson(owner),
    createdAt: new Date(createdAtMs).toISOString(),
    revision,
  };
}

/** The JSON of instances, made once for each state of each: a thousand watchers are told the same. */
export class InstanceTexts {
  readonly #texts = new WeakMap<Instance, string>();

  of(instance: Instance): string {
    const known = this.#texts.get(instance);
    if (known !== undefined) return known;
    const text = JSON.stringify(toInstanceJson(instance));
    this.#texts.set(instance, text);
    return text;
  }

  /** A JSON list. */
  listOf(instances: readonly Instance[]): string {
    return `[${instances.map((instance) => this.of(instance)).join(',')}]`;
  }
}

/** A check as `parseHealthCheck` reads it. */
function toCheckJson({ probe, intervalMs, timeoutMs, rise, fall, initial, deregisterAfterMs }: HealthCheck) {
  return {
    ...toProbeJson(probe),
    interval: `${intervalMs}ms`,
    timeout: `${timeoutMs}ms`,
    rise,
    fall,
    initialStatus: initial,
    ...(deregisterAfterMs === undefined ? {} : { deregisterAfter: `${deregisterAfterMs}ms` }),
  };
}

function toProbeJson(probe: Probe) {
  switch (probe.kind) {
    case 'http':
      return {
        [probe.scheme]: probe.path,
        ...portOf(probe),
        ...(probe.verify === undefined ? {} : { verify: probe.verify }),
      };
    case 'tcp':
      return { tcp: true, ...portOf(probe) };
    case 'grpc':
      return { grpc: probe.service, ...portOf(probe) };
    case 'ttl':
      return { ttl: `${probe.ttlMs}ms` };
  }
}

function portOf({ port }: { readonly port?: number }) {
  return port === undefined ? {} : { port };
}

function toOwnerJson(owner: Instance['owner']) {
  if (owner.kind === 'api') return owner;
  const { kind, node, network, containerId, host, ifName } = owner;
  return { kind, node, network, container: host, containerId, interface: ifName };
}
