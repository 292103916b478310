import { hasAddress, type Share, type ShareRange } from '../../lib/blocks/share/share.ts';
import { readShare } from '../../lib/blocks/share/share-file.ts';
import type { NetConf } from '../../lib/cni/netconf.ts';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import { formatAddress, type IpAddress } from '../../lib/net/address.ts';
import { formatCidr } from '../../lib/net/cidr.ts';
import { linkLocalGateways } from '../../lib/point-to-point/gateway.ts';

/**
 * What this host may lease from now.
 * @throws CniError code 11 while the agent keeps nothing for it; code 7 for a network that is not the agent's
 */
export function openShare(path: string, { name }: Pick<NetConf, 'name'>): Share {
  const share = readShare(path);
  if (share === undefined)
    throw notNow(
      `${path} does not exist: this host has no addresses (yet); start the agent with "blocks" in its configuration, or see "fairlead ipam"`,
    );
  if (share.network !== name)
    throw new CniError(
      ErrorCode.invalidConfig,
      `name: the configuration says ${name}, but the agent keeps addresses for the network ${share.network} (${path}); give both one name`,
    );
  const without = share.families.find((family) => !share.ranges.some(({ first }) => first.family === family));
  if (share.families.length > 0 && without === undefined) return share;
  const what = without === undefined ? 'addresses' : `IPv${without} addresses`;
  throw notNow(`${path}: this host has no ${what} now; see "fairlead ipam" for pools and problems`);
}

/** host-local's configuration over the share: a set of ranges for each family. */
export function shareIpam({ dataDir, ranges }: Share, routes: readonly unknown[]): object {
  const sets = ([4, 6] as const).map((family) => ranges.filter(({ first }) => first.family === family));
  return { dataDir, ranges: sets.filter((set) => set.length > 0).map((set) => set.map(toRange)), routes };
}

/** @throws CniError code 11 where an address that was leased is not this host's any more */
export function confirmLeased(path: string, conf: Pick<NetConf, 'name'>, leased: readonly IpAddress[]): void {
  const share = openShare(path, conf);
  const lost = leased.find((address) => !hasAddress(share, address));
  if (lost !== undefined)
    throw notNow(`${formatAddress(lost)} has been given up by this host meanwhile (${path})`);
}

/** The gateway is none of the pool's addresses: all of a block can be leased. */
function toRange({ pool, first, last }: ShareRange): object {
  return {
    subnet: formatCidr(pool),
    rangeStart: formatAddress(first),
    rangeEnd: formatAddress(last),
    gateway: formatAddress(linkLocalGateways[first.family]),
  };
}

function notNow(what: string): CniError {
  return new CniError(ErrorCode.tryAgainLater, what);
}
