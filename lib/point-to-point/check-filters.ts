import type { Machine } from '../exec/machine.ts';
import { observeRules } from '../exec/observe.ts';
import { inetTable, isWritten, masqueradePrefix } from '../masquerade/masquerade.ts';
import { widthOf } from '../net/address.ts';
import { type Cidr, formatCidr } from '../net/cidr.ts';
import type { PointToPointNetwork } from './kind.ts';
import { masqueradeChains, possibleChains } from './masquerade.ts';
import { sourceCheckChain } from './source-check.ts';
import { wrong } from './wrong.ts';

/**
 * @param addresses of the container, as the previous result has them
 * @throws CniError code 999 where rules that the network needs are missing or altered
 */
export function checkFilters(
  network: PointToPointNetwork,
  addresses: readonly Cidr[],
  machine: Machine,
): void {
  if (!network.checksSource && !network.ipMasq) return;
  const listing = observeRules(machine, inetTable);
  if (network.checksSource && !isWritten(sourceCheckChain, listing))
    throw wrong(`nftables chain inet fairlead ${sourceCheckChain.chain} is missing or altered`);
  if (!network.ipMasq) return;
  const lost = addresses.find(
    (address) => !chainsFor(network, address).some((chain) => isWritten(chain, listing)),
  );
  if (lost === undefined) return;
  throw wrong(
    `nftables chain inet fairlead ${masqueradePrefix(network.network)}… (masquerade of ${formatCidr(lost)}) is missing or altered`,
  );
}

function chainsFor(network: PointToPointNetwork, address: Cidr) {
  return address.prefixLength < widthOf(address.address.family)
    ? masqueradeChains(network, [address])
    : possibleChains(network, address);
}
