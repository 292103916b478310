import type { Metadata } from './metadata.ts';
import type { GroupedService, Place } from './place.ts';

/** An instance as Nacos lists it. */
export type Host = Place & {
  /** Whether its heartbeats come. */
  readonly healthy: boolean;
  readonly enabled: boolean;
  readonly weight: number;
  readonly metadata: Metadata;
};

/** A service of the server's catalogue. */
export type Listed = GroupedService & { readonly hosts: readonly Host[] };

/** How many items a page has, whatever they are. @throws Error where the answer is no page */
export function countItems(json: unknown): number {
  return listOf(json, 'services').length;
}

/**
 * The services of a page of the catalogue, with their instances.
 * @throws Error where the answer is no page
 */
export function parseCatalogue(json: unknown): readonly Listed[] {
  return listOf(json, 'services').flatMap((item) => {
    const { serviceName, groupName, clusterMap } = objectOf(item);
    if (typeof serviceName !== 'string' || typeof groupName !== 'string') return [];
    const service = { group: groupName, service: withoutGroup(serviceName) };
    const clusters = Object.entries(objectOf(clusterMap));
    return [
      { ...service, hosts: clusters.flatMap(([cluster, of]) => parseCluster(of, { ...service, cluster })) },
    ];
  });
}

/**
 * The services of a page of the catalogue that have instances.
 * @throws Error where the answer is no page
 */
export function parseServices(json: unknown): readonly GroupedService[] {
  return listOf(json, 'services').flatMap((item) => {
    const { name, groupName } = objectOf(item);
    if (typeof name !== 'string' || typeof groupName !== 'string') return [];
    return [{ group: groupName, service: withoutGroup(name) }];
  });
}

/** Every answer's value may be anything. */
export function objectOf(json: unknown): Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null ? (json as Readonly<Record<string, unknown>>) : {};
}

type Where = GroupedService & { readonly cluster: string };

function parseCluster(json: unknown, where: Where): readonly Host[] {
  const { hosts } = objectOf(json);
  return Array.isArray(hosts) ? hosts.flatMap((item) => parseHost(item, where)) : [];
}

function parseHost(item: unknown, where: Where): readonly Host[] {
  const { ip, port, clusterName, weight, enabled, metadata, ...rest } = objectOf(item);
  if (typeof ip !== 'string' || ip === '' || !isWhole(port) || typeof weight !== 'number') return [];
  return [
    {
      ...where,
      cluster: typeof clusterName === 'string' && clusterName !== '' ? clusterName : where.cluster,
      ip,
      port,
      // The catalogue of 1.x and 2.x has another name for it.
      healthy: (rest.healthy ?? rest.valid) === true,
      enabled: enabled !== false,
      weight,
      metadata: textsOf(metadata),
    },
  ];
}

function listOf(json: unknown, of: string): readonly unknown[] {
  if (Array.isArray(json)) return json;
  throw new Error(`expected a list of ${of}, found ${(JSON.stringify(json) ?? 'nothing').slice(0, 80)}`);
}

function textsOf(json: unknown): Metadata {
  const pairs = Object.entries(objectOf(json));
  return Object.fromEntries(pairs.filter((pair): pair is [string, string] => typeof pair[1] === 'string'));
}

function isWhole(value: unknown): value is number {
  return Number.isInteger(value);
}

/** Early servers of 1.x write both into one. */
function withoutGroup(name: string): string {
  return name.slice(name.indexOf('@@') < 0 ? 0 : name.indexOf('@@') + 2);
}
