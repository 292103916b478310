import { defaultNamespace } from '../../registry/instance.ts';
import type { ServiceKey } from '../../registry/view.ts';
import type { NacosConfig } from './config.ts';

/** A service of one of Nacos's namespaces. */
export type GroupedService = { readonly group: string; readonly service: string };

/** Where an instance stands in Nacos. */
export type Place = GroupedService & {
  readonly ip: string;
  readonly port: number;
  readonly cluster: string;
};

/** Where a service of ours stands: our namespaces are groups there. */
export function groupedService(
  { namespace, service }: ServiceKey,
  { group }: Pick<NacosConfig, 'group'>,
): GroupedService {
  return { group: namespace === defaultNamespace ? group : namespace, service };
}

/** A service's name as it is shown: `web`, and `shop@@web` of another group than the configured one. */
export function toServiceName(
  { group, service }: GroupedService,
  config: Pick<NacosConfig, 'group'>,
): string {
  return group === config.group ? service : toGroupedName({ group, service });
}

export function parseServiceName(name: string, config: Pick<NacosConfig, 'group'>): GroupedService {
  const at = name.indexOf('@@');
  if (at < 0) return { group: config.group, service: name };
  return { group: name.slice(0, at), service: name.slice(at + 2) };
}

/** As Nacos itself puts the two together. */
export function toGroupedName({ group, service }: GroupedService): string {
  return `${group}@@${service}`;
}

/** What Nacos knows an instance by: a registration with another cluster takes its place. */
export function toAddressKey({ ip, port, group, service }: Omit<Place, 'cluster'>): string {
  return `${ip}#${port}#${toGroupedName({ group, service })}`;
}

/** What Nacos calls an instance's id. */
export function toKey({ ip, port, cluster, group, service }: Place): string {
  return `${ip}#${port}#${cluster}#${toGroupedName({ group, service })}`;
}

/** Undefined for what `toKey` does not write. */
export function parseKey(key: string): Place | undefined {
  const [, ip, port, cluster, group, service] = /^([^#]+)#(\d+)#([^#]+)#(.+?)@@(.+)$/s.exec(key) ?? [];
  if (ip === undefined || cluster === undefined || group === undefined || service === undefined)
    return undefined;
  return { ip, port: Number(port), cluster, group, service };
}
