import { preview } from '../../ipam/host-local/add.ts';
import type { Share } from '../../lib/blocks/share/share.ts';
import { type Family, parseAddress } from '../../lib/net/address.ts';
import { parseCidr } from '../../lib/net/cidr.ts';
import { explain } from '../../lib/point-to-point/explain.ts';
import type { PointToPointKind } from '../../lib/point-to-point/kind.ts';
import { toCall } from './calls.ts';
import { paperRecords } from './paper-records.ts';
import { scriptMachine } from './scripted-machine.ts';

/** What a host has already. */
export type Standing = {
  /** What `nft -j list table` prints; no table where absent. */
  readonly nftables?: readonly object[];
  readonly forwards?: boolean;
};

/** What an ADD would do, on a host of paper where nothing is leased. */
export function explainOn(
  kind: PointToPointKind,
  conf: object,
  { nftables, forwards = false }: Standing = {},
) {
  const machine = scriptMachine({
    proc: forwards
      ? { '/proc/sys/net/ipv4/ip_forward': '1', '/proc/sys/net/ipv6/conf/all/forwarding': '1' }
      : {},
    answer: () => (nftables === undefined ? { status: 1 } : { stdout: JSON.stringify({ nftables }) }),
  });
  return explain(
    toCall({ type: kind.name, ...withHostLocal(conf) }),
    { kind, machine, records: paperRecords(), capabilities: [] },
    preview,
  );
}

/** Leases nowhere: `preview` only reads. */
function withHostLocal(conf: object): object {
  if (!('ipam' in conf)) return conf;
  return {
    ...conf,
    ipam: { type: 'host-local', dataDir: '/nonexistent/fairlead', ...(conf.ipam as object) },
  };
}

/** The pools of the tests' cluster. */
export const pools = ['10.50.0.0/16', 'fd00:50::/64'] as const;

/** A host's share of the tests' cluster: ranges from the first to the last address, both included. */
export function shareOf(
  dataDir: string,
  ...ranges: readonly (readonly [first: string, last: string])[]
): Share {
  const own = pools.map(networkAt);
  return {
    network: 'net',
    dataDir,
    mtu: 1450,
    pools: own,
    families: ([4, 6] as const).filter((family) => ranges.some(([first]) => familyOf(first) === family)),
    ranges: ranges.map(([first, last]) => {
      const [from, to] = [addressAt(first), addressAt(last)];
      const pool = own.find(({ address }) => address.family === from.family) ?? networkAt(pools[0]);
      return { pool, first: from, last: to };
    }),
  };
}

function addressAt(text: string) {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`no address: ${text}`);
  return address;
}

function networkAt(text: string) {
  const network = parseCidr(text);
  if (network === undefined) throw new Error(`no network: ${text}`);
  return network;
}

function familyOf(text: string): Family {
  return addressAt(text).family;
}
