import { readFileSync } from 'node:fs';
import { type Fields, unexpected } from '../../lib/cni/fields.ts';
import type { Attachment } from '../../lib/cni/invocation.ts';
import type { NetConf } from '../../lib/cni/netconf.ts';
import type { ResultRoute } from '../../lib/cni/result.ts';
import { parseRoute } from '../../lib/cni/result-parse.ts';
import { isAtLeast } from '../../lib/cni/version.ts';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import { ifExists, onFiles } from '../../lib/errors/system-error.ts';
import { formatAddress, type IpAddress, isSameAddress, parseAddress } from '../../lib/net/address.ts';
import { familyOf, parseRange, parseRangeSet, type RangeSet, rangeOf, refuseOverlaps } from './range.ts';
import { parseSubnetFile } from './subnet-file.ts';

/** Where the leases of a network are when its configuration does not say. */
export const defaultDataDir = '/var/lib/cni/networks';

/** What every verb needs to find the leases of a network. */
export type StoreConfig = {
  readonly network: string;
  /** Absolute path. */
  readonly dataDir: string;
};

/** What ADD, STATUS and CHECK need. */
export type HostLocalConfig = StoreConfig & {
  readonly rangeSets: readonly [RangeSet, ...RangeSet[]];
  readonly routes: readonly ResultRoute[];
  /** Path of a file like resolv.conf whose content becomes the result's dns. */
  readonly resolvConf: string | undefined;
  /** For how long a released address is not leased again, in milliseconds; 0 where not set. */
  readonly cooldownMs: number;
};

/** @throws CniError code 7 */
export function parseStoreConfig({ name, fields }: NetConf): StoreConfig {
  const dataDir =
    ipamFields(fields).parsed('dataDir', 'an absolute path', parseAbsolutePath) ?? defaultDataDir;
  return { network: name, dataDir };
}

/**
 * The ranges in force: `runtimeConfig.ipRanges` first, then the subnet file, then the flat `subnet`, then `ranges`.
 * @throws CniError code 7; code 11 while the subnet file does not exist
 */
export function parseHostLocalConfig(conf: NetConf): HostLocalConfig {
  const ipam = ipamFields(conf.fields);
  return {
    ...parseStoreConfig(conf),
    rangeSets: parseRangeSets(conf, ipam),
    routes: ipam.array('routes', parseRoute) ?? [],
    resolvConf: ipam.parsed('resolvConf', 'an absolute path', parseAbsolutePath),
    cooldownMs: parseCooldownMs(conf),
  };
}

/** `ipam.cooldown`, given in seconds, in milliseconds. */
export function parseCooldownMs({ fields }: NetConf): number {
  return (ipamFields(fields).integer('cooldown', { min: 0, max: 86_400 }) ?? 0) * 1000;
}

/**
 * The addresses asked for by CNI_ARGS `IP`, `args.cni.ips` and `runtimeConfig.ips`, with or without a prefix length.
 * @throws CniError code 7 for what is no address, lies in no range, or asks twice of one range set
 */
export function parseRequestedAddresses(
  conf: NetConf,
  attachment: Attachment,
  sets: readonly RangeSet[],
): readonly IpAddress[] {
  const texts = [
    ...[...attachment.args]
      .filter(([key]) => key.toUpperCase() === 'IP')
      .flatMap(([, list]) => list.split(',')),
    ...(conf.fields.object('args')?.object('cni')?.strings('ips') ?? []),
    ...(conf.fields.object('runtimeConfig')?.strings('ips') ?? []),
  ];
  const all = texts.filter((text) => text !== '').map(parseRequested);
  const requested = all.filter(
    (address, at) => all.findIndex((other) => isSameAddress(other, address)) === at,
  );
  for (const [at, address] of requested.entries()) {
    const set = sets.find((each) => rangeOf(each, address) !== undefined);
    if (set === undefined) throw refused(address, 'lies in none of the ranges');
    const twin = requested.slice(0, at).find((earlier) => rangeOf(set, earlier) !== undefined);
    if (twin !== undefined)
      throw refused(address, `lies in the same range set as ${formatAddress(twin)}, which is requested, too`);
  }
  return requested;
}

function parseRequested(text: string): IpAddress {
  const address = parseAddress(text.replace(/\/\d+$/, '').trim());
  if (address === undefined) throw unexpected('ips', 'IP addresses', text);
  return address;
}

function refused(address: IpAddress, why: string): CniError {
  return new CniError(ErrorCode.invalidConfig, `ips: the requested ${formatAddress(address)} ${why}`);
}

function ipamFields(fields: Fields): Fields {
  return fields.object('ipam') ?? fields.missing('ipam');
}

function parseRangeSets({ cniVersion, fields }: NetConf, ipam: Fields): readonly [RangeSet, ...RangeSet[]] {
  const [first, ...others] = [
    ...(fields.object('runtimeConfig')?.array('ipRanges', parseRangeSet) ?? []),
    ...(ipam.parsed('subnetFile', 'an absolute path', parseAbsolutePath) === undefined
      ? []
      : readSubnetFile(ipam)),
    ...(ipam.has('subnet') ? [[parseFlatRange(ipam)] as RangeSet] : []),
    ...(ipam.array('ranges', parseRangeSet) ?? []),
  ];
  if (first === undefined) {
    throw new CniError(
      ErrorCode.invalidConfig,
      'ipam: needs a range to lease from: subnet, ranges or subnetFile',
    );
  }
  const sets = [first, ...others] as const;
  refuseOverlaps(sets);
  if (!isAtLeast(cniVersion, '0.3.0')) refuseSecondOfFamily(sets);
  return sets;
}

/** `subnet` and its companions directly in `ipam`, the older form. */
function parseFlatRange(ipam: Fields): RangeSet[0] {
  const own = {
    subnet: ipam.raw('subnet'),
    rangeStart: ipam.raw('rangeStart'),
    rangeEnd: ipam.raw('rangeEnd'),
    gateway: ipam.raw('gateway'),
  };
  return parseRange(own, 'ipam');
}

function readSubnetFile(ipam: Fields): readonly RangeSet[] {
  const path = ipam.string('subnetFile') ?? '';
  const text = onFiles(`ipam.subnetFile: reading ${path}`, () => ifExists(() => readFileSync(path, 'utf8')));
  if (text !== undefined) return parseSubnetFile(text, path);
  throw new CniError(
    ErrorCode.tryAgainLater,
    `ipam.subnetFile: ${path} does not exist yet; start what writes it (the overlay's agent, flanneld) and try again`,
  );
}

/** Results before 0.3.0 have room for one address of each family. */
function refuseSecondOfFamily(sets: readonly RangeSet[]): void {
  const families = sets.map(familyOf);
  if (new Set(families).size === families.length) return;
  throw new CniError(
    ErrorCode.invalidConfig,
    'ipam.ranges: a result before cniVersion 0.3.0 holds one address of each family; use 0.3.1 or later for more',
  );
}

function parseAbsolutePath(text: string): string | undefined {
  return text.startsWith('/') && !text.includes('\0') ? text : undefined;
}
