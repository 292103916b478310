import { inetTable, type MasqueradeChain } from '../../masquerade/masquerade.ts';
import { type Cidr, formatCidr } from '../../net/cidr.ts';
import { ownedRule } from '../../nft/operation.ts';

const chain = 'masq_overlay';

/**
 * The chain by which what leaves the overlay gets the host's address, whatever plugin has attached the container: as
 * flanneld's `--ip-masq`, but for what comes from outside, which keeps its source.
 */
export function overlayMasquerade(networks: readonly Cidr[]): MasqueradeChain {
  return {
    table: inetTable,
    chain,
    comment: 'overlay',
    rules: networks.map((network) => {
      const [protocol, multicast] =
        network.address.family === 4 ? ['ip', '224.0.0.0/4'] : ['ip6', 'ff00::/8'];
      const text = formatCidr(network);
      return ownedRule(
        'overlay',
        `${protocol} saddr ${text} ${protocol} daddr != { ${text}, ${multicast} } masquerade`,
      );
    }),
  };
}
