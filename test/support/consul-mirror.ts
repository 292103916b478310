import { Fields } from '../../lib/cni/fields.ts';
import { Json } from '../../lib/mirror/consul/json.ts';
import { consulKind } from '../../lib/mirror/consul/kind.ts';
import type { OpenOptions, OutsideRegistry } from '../../lib/mirror/mirror.ts';
import type { ConsulServer } from './consul-server.ts';

/** A machine's id. */
export const consulNode = '1111111111111111';

/** A machine's registry in Consul, with the configuration as an operator writes it. */
export function openConsul(config: object, options: Partial<OpenOptions> = {}): OutsideRegistry {
  const all = { name: 'consul', node: consulNode, session: 'held', ...options } as const;
  return consulKind.open(consulKind.parse(new Fields(config, '')), all);
}

/** Takes the services from a Consul agent without ACLs whose ids begin so. */
export async function emptyConsul({ endpoints: [url] }: ConsulServer, prefix = ''): Promise<void> {
  const services: unknown = await (await fetch(`${url}/v1/agent/services`)).json();
  const remove = (id: string) => fetch(`${url}/v1/agent/service/deregister/${id}`, { method: 'PUT' });
  const ids = Object.keys(Object(services)).filter((id) => id.startsWith(prefix));
  await Promise.all(ids.map(remove));
}

/** The addresses of a service's healthy instances, as anybody reads them in the catalogue. */
export async function healthyAddresses(server: ConsulServer, name: string): Promise<readonly string[]> {
  const { body } = await server.call(`/v1/health/service/${name}?passing=1`);
  if (!Array.isArray(body)) return [];
  return body.map((entry) => new Json(entry).object('Service').text('Address')).toSorted();
}
