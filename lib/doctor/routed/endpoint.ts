import type { Link } from '../../iproute/parse.ts';
import { gatewayMac } from '../../point-to-point/gateway.ts';
import type { Wiring } from '../../point-to-point/kind.ts';
import { checkedGroup, uncheckedGroup } from '../../point-to-point/link-group.ts';

/** The host's end of a container's own veth pair. */
export type Endpoint = Link & { readonly wiring: Wiring };

const groups: readonly string[] = [checkedGroup, uncheckedGroup].map(String);

/** Those among the links of this host. */
export function endpointsOf(links: readonly Link[]): readonly Endpoint[] {
  return links
    .filter(({ kind, group }) => kind === 'veth' && group !== undefined && groups.includes(group))
    .map((link) => ({ ...link, wiring: wiringOf(link) }));
}

/** The ends of `routed` have one MAC in common, others one each. */
function wiringOf({ mac }: Link): Wiring {
  return mac === gatewayMac ? 'link-local-gateway' : 'subnet-gateway';
}
