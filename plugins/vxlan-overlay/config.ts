import { Fields, unexpected } from '../../lib/cni/fields.ts';
import type { NetConf } from '../../lib/cni/netconf.ts';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import type { Family, IpAddress } from '../../lib/net/address.ts';
import { type Cidr, cidrContains, formatCidr, networkAddress, parseCidr } from '../../lib/net/cidr.ts';
import { type Mac, parseMac } from '../../lib/net/mac.ts';
import {
  defaultSubnetFile,
  type OuterWish,
  parseMode,
  parseOuterWish,
  parsePublicAddress,
} from '../../lib/overlay/kernel/outer-wish.ts';
import type { OverlayMode } from '../../lib/overlay/kernel/plane.ts';

/** The overlay's own part of the configuration; README.md lists the fields. */
export type OverlayConfig =
  | { readonly kind: 'subnet-file'; readonly path: string }
  | ({ readonly kind: 'static' } & StaticOverlay);

/** An overlay that the configuration describes whole, so that neither agent nor store is needed. */
export type StaticOverlay = {
  readonly mode: OverlayMode;
  readonly vni: number;
  readonly port: number;
  readonly outer: OuterWish;
  readonly directRouting: boolean;
  readonly parts: Readonly<Partial<Record<Family, StaticPart>>>;
};

/** What one family has of it. */
export type StaticPart = {
  readonly network: Cidr;
  readonly subnet: Cidr;
  readonly peers: readonly StaticPeer[];
};

export type StaticPeer = {
  readonly subnet: Cidr;
  readonly publicAddress: IpAddress;
  /** Derived from the public address, as our hosts do, where it is not stated. */
  readonly vtepMac: Mac | undefined;
};

const staticFields = ['network', 'ipv6Network', 'subnet', 'ipv6Subnet', 'peers', 'vni', 'port'] as const;

/** @throws CniError code 7 naming the field */
export function parseOverlayConfig({ fields }: NetConf): OverlayConfig {
  const stated = staticFields.filter((name) => fields.has(name));
  if (stated.length === 0) return { kind: 'subnet-file', path: parseSubnetFilePath(fields) };
  if (!fields.has('subnetFile')) return { kind: 'static', ...parseStatic(fields) };
  throw new CniError(
    ErrorCode.invalidConfig,
    `subnetFile and ${stated.join(', ')} cannot both be set: the file says what this host has, or the configuration does`,
  );
}

function parseSubnetFilePath(fields: Fields): string {
  const path = fields.parsed('subnetFile', 'an absolute path', (text) =>
    /^\/[\x21-\x7e]+$/.test(text) ? text : undefined,
  );
  return path ?? defaultSubnetFile;
}

function parseStatic(fields: Fields): StaticOverlay {
  const parts = ([4, 6] as const).flatMap((family) => {
    const part = parsePart(fields, family);
    return part === undefined ? [] : [[family, part] as const];
  });
  if (parts.length === 0) return fields.missing('network');
  return {
    mode: parseMode(fields),
    vni: fields.integer('vni', { min: 1, max: 16_777_215 }) ?? 1,
    port: fields.integer('port', { min: 0, max: 65_535 }) || 8472,
    outer: parseOuterWish(fields),
    directRouting: fields.boolean('directRouting') ?? false,
    parts: Object.fromEntries(parts),
  };
}

const names = {
  4: { network: 'network', subnet: 'subnet', publicAddress: 'publicIP', mac: 'vtepMAC' },
  6: { network: 'ipv6Network', subnet: 'ipv6Subnet', publicAddress: 'publicIPv6', mac: 'ipv6VtepMAC' },
} as const;

function parsePart(fields: Fields, family: Family): StaticPart | undefined {
  const { network: networkName, subnet: subnetName } = names[family];
  const network = networkOf(fields, networkName, family);
  const subnet = networkOf(fields, subnetName, family);
  if (network === undefined && subnet === undefined) return undefined;
  if (network === undefined) return fields.missing(networkName);
  if (subnet === undefined) return fields.missing(subnetName);
  if (subnet.prefixLength <= network.prefixLength || !cidrContains(network, subnet.address))
    throw unexpected(
      fields.at(subnetName),
      `a part of ${networkName} ${formatCidr(network)}`,
      formatCidr(subnet),
    );
  const peers = fields.array('peers', (item, path) => parsePeer(new Fields(item, path), family)) ?? [];
  return { network, subnet, peers: peers.filter((peer) => peer !== undefined) };
}

/** A peer has a subnet of the family, or is none there. */
function parsePeer(fields: Fields, family: Family): StaticPeer | undefined {
  fields.only('publicIP', 'publicIPv6', 'subnet', 'ipv6Subnet', 'vtepMAC', 'ipv6VtepMAC');
  const { subnet: subnetName, publicAddress: addressName, mac } = names[family];
  if (!fields.has(names[4].subnet) && !fields.has(names[6].subnet)) return fields.missing(subnetName);
  const subnet = networkOf(fields, subnetName, family);
  if (subnet === undefined) return undefined;
  return {
    subnet,
    publicAddress: parsePublicAddress(fields, family) ?? fields.missing(addressName),
    vtepMac: fields.parsed(mac, 'a unicast MAC such as 02:00:00:00:00:01', parseMac),
  };
}

function networkOf(fields: Fields, name: string, family: Family): Cidr | undefined {
  return fields.parsed(name, `an IPv${family} network without host bits`, (text) => {
    const cidr = parseCidr(text);
    const isNetwork = cidr !== undefined && networkAddress(cidr).bits === cidr.address.bits;
    return isNetwork && cidr.address.family === family ? cidr : undefined;
  });
}
