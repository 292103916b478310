import type { Endpoint } from '../capability/endpoint.ts';
import type { IfName } from '../net/ifname.ts';

/** By which interface of the host a container's packets are routed; undefined where the result names none. */
export function linkOf({ bridge, hostEnd }: Endpoint): IfName | undefined {
  return bridge ?? hostEnd;
}
