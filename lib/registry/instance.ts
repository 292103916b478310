import type { Family } from '../net/address.ts';
import type { HealthCheck } from './health-check.ts';

/**
 * What the answers go by: only a passing instance is given to those who ask by DNS or `pick`. Draining and maintenance
 * are set on request and no health check ends them.
 */
export const statuses = ['passing', 'critical', 'draining', 'maintenance'] as const;

export type Status = (typeof statuses)[number];

export const transports = ['tcp', 'udp', 'sctp'] as const;

export type Transport = (typeof transports)[number];

/** A container's interface as the source of an instance; withdrawn with it. */
export type ContainerOwner = {
  readonly kind: 'container';
  /** The id of the machine, which outlives its boots. */
  readonly node: string;
  readonly network: string;
  /** The network's name as a DNS label. */
  readonly networkLabel: string;
  readonly containerId: string;
  /** The container's name as a DNS label, unique in its network. */
  readonly host: string;
  readonly ifName: string;
  /** Of its addresses, in canonical text: who asks there is on this network. */
  readonly gateways?: readonly string[];
};

/** Whoever registered over the API; withdrawn on request, or when its heartbeat stays away. */
export type ApiOwner = { readonly kind: 'api'; readonly node: string };

/** One address and port under which a service can be reached. */
export type Instance = {
  /** Unique in the registry; a DNS label. */
  readonly id: string;
  /** The registry's revision that last changed it. */
  readonly revision: number;
  /** A DNS label. */
  readonly namespace: string;
  /** A DNS label. */
  readonly service: string;
  /** The service's name as it was given. */
  readonly serviceName: string;
  /** Canonical text. */
  readonly address: string;
  readonly family: Family;
  /** 0 where the service has no port. */
  readonly port: number;
  /** A DNS label; empty where the port has no name. */
  readonly portName: string;
  readonly transport: Transport;
  /** 0 to 65535, in proportion to the other instances'; 0 takes no traffic while another is there. */
  readonly weight: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  /** A path or URL that the service's callers want to know; empty where there is none. */
  readonly endpoint: string;
  readonly status: Status;
  readonly check?: HealthCheck;
  readonly owner: ContainerOwner | ApiOwner;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
};

/** One step of the registry's history. */
export type Change = {
  readonly revision: number;
  readonly kind: 'put' | 'remove';
  /** As it is after a put, as it was before a remove. */
  readonly instance: Instance;
};

/** Whether those who ask are given this instance. */
export function isHealthy({ status }: Instance): boolean {
  return status === 'passing';
}

/** Whether health checks decide the status: somebody who has set another one means it to stay. */
export function isChecked({ status }: Pick<Instance, 'status'>): boolean {
  return status === 'passing' || status === 'critical';
}

export const defaultNamespace = 'default';
export const defaultZone = 'fairlead.internal';
export const defaultWeight = 1;
export const highestWeight = 65_535;
