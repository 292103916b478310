import { unexpected } from '../cni/fields.ts';

/** What the endpoints that are asked for belong to. */
export type Sought = {
  /** A service's name or label. */
  readonly service: string;
  /** Undefined where none is named. */
  readonly namespace: string | undefined;
  /** A port's name or number; undefined for the first port of each instance. */
  readonly port: string | undefined;
};

const longestName = 512;

/**
 * The name of a resource, which is the `service_name` of a cluster of Envoy: `service`, `service.namespace`, or the
 * service's name in DNS, `service.namespace.svc.<zone>`; each with or without `:port`. A dot or colon within a name
 * stands here as "-", as it does in DNS.
 * @throws CniError code 7
 */
export function parseResourceName(name: string, zone: string): Sought {
  const [full = '', port, ...ports] = name.split(':');
  const [service = '', namespace, ...domain] = full.replace(/\.$/, '').split('.');
  const isInZone = domain.length === 0 || domain.join('.').toLowerCase() === `svc.${zone}`;
  const isWhole = service !== '' && namespace !== '' && port !== '' && ports.length === 0;
  if (isInZone && isWhole && name.length <= longestName) return { service, namespace, port };
  throw unexpected(
    'resource_names',
    `service, service.namespace or service.namespace.svc.${zone}, with or without :port`,
    name,
  );
}
