import { masqueradeBySource } from '../../masquerade/by-source.ts';
import type { Cidr } from '../../net/cidr.ts';
import type { WriteChain } from '../../nft/operation.ts';

/** As flanneld's `--ip-masq`, but for what comes from outside, which keeps its source. */
export function overlayMasquerade(networks: readonly Cidr[]): WriteChain {
  return masqueradeBySource({
    chain: 'masq_overlay',
    owner: 'overlay',
    sources: networks,
    insideOf: (network) => [network],
  });
}
