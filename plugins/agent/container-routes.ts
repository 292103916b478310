import { type Inquiry, outputOf } from '../../lib/exec/inquiry.ts';
import { parseLinks } from '../../lib/iproute/parse.ts';
import { parseTableRoutes } from '../../lib/iproute/parse-routes.ts';
import type { Family, IpAddress } from '../../lib/net/address.ts';
import { asHost } from '../../lib/net/cidr.ts';
import { checkedGroup, uncheckedGroup } from '../../lib/point-to-point/link-group.ts';

/**
 * Which addresses the kernel routes to containers of `routed` and `ptp`: those of routes of one address whose link is in
 * one of the two link groups.
 * @throws CniError where `ip` fails
 */
export function* containerRoutesInquiry(): Inquiry<readonly IpAddress[]> {
  const veths = yield* outputOf('ip', ['-N', '-j', 'link', 'show', 'type', 'veth']);
  const groups = [checkedGroup, uncheckedGroup].map(String);
  const ends = parseLinks(veths).filter(({ group }) => group !== undefined && groups.includes(group));
  if (ends.length === 0) return [];
  const names = new Set(ends.map(({ name }) => name));
  return [...(yield* routedTo(names, 4)), ...(yield* routedTo(names, 6))];
}

function* routedTo(names: ReadonlySet<string>, family: Family): Inquiry<readonly IpAddress[]> {
  const text = yield* outputOf('ip', [`-${family}`, '-N', '-j', 'route', 'show']);
  return parseTableRoutes(text, family)
    .filter(({ dst }) => dst.prefixLength === asHost(dst.address).prefixLength)
    .filter(({ hops }) => hops.some(({ link }) => names.has(link)))
    .map(({ dst }) => dst.address);
}
