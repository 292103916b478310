import { formatAddress } from '../net/address.ts';
import { ownedRule, type WriteChain } from '../nft/operation.ts';
import { inetTable } from '../rules/tables.ts';
import { linkLocalGateways } from './gateway.ts';
import { checkedGroup, uncheckedGroup } from './link-group.ts';

const owner = 'source check';

const containers = `{ ${checkedGroup}, ${uncheckedGroup} }`;
const gateway = formatAddress(linkLocalGateways[4]);

/**
 * What comes from a container must have a source that the host would send back to the same link: the routes say which
 * addresses a container has, so nothing here names one. IPv6 needs its link-local addresses and, to find out whether one
 * is free, the unspecified one, but to the link alone: the route to fe80::/64, which every link has, would let them pass.
 * Then what is for the host and its containers alone: its loopback addresses, which other programs may have opened to
 * links (`route_localnet` of all), and the containers' gateway, which it would answer for on every link, as for any
 * address of lo. That link is known by its name: to print the name of an index, nft reads all links of the host, of which
 * there may be thousands (1,000: 12 ms more for every ADD).
 */
export const sourceCheckChain: WriteChain = {
  kind: 'write-chain',
  table: inetTable,
  hook: { type: 'filter', hook: 'prerouting', priority: 'raw' },
  chain: 'source_check',
  comment: 'containers with point-to-point links send from their own addresses only',
  rules: [
    `iifgroup ${checkedGroup} ip6 saddr :: ip6 daddr ff02::/16 meta l4proto ipv6-icmp return`,
    `iifgroup ${checkedGroup} ip6 saddr fe80::/10 ip6 daddr { fe80::/10, ff02::/16 } return`,
    `iifgroup ${checkedGroup} ip6 saddr { ::, fe80::/10 } drop`,
    `iifgroup ${checkedGroup} fib saddr . iif oif missing drop`,
    `iifgroup ${containers} ip daddr 127.0.0.0/8 drop`,
    `iifname != "lo" iifgroup != ${containers} ip daddr ${gateway} fib daddr type local drop`,
  ].map((text) => ownedRule(owner, text)),
};
