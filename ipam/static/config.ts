import { Fields, unexpected } from '../../lib/cni/fields.ts';
import type { Attachment } from '../../lib/cni/invocation.ts';
import type { NetConf } from '../../lib/cni/netconf.ts';
import type { ResultDns, ResultIp, ResultRoute } from '../../lib/cni/result.ts';
import { parseDns, parseRoute } from '../../lib/cni/result-parse.ts';
import { isAtLeast, type SpecVersion } from '../../lib/cni/version.ts';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import { formatAddress, type IpAddress, parseAddress } from '../../lib/net/address.ts';
import { type Cidr, cidrContains, formatCidr, parseCidr } from '../../lib/net/cidr.ts';

/** What an attachment gets. */
export type StaticConfig = {
  readonly ips: readonly ResultIp[];
  readonly routes: readonly ResultRoute[];
  readonly dns: ResultDns;
};

/**
 * The addresses in force: those of `runtimeConfig.ips`, else of `args.cni.ips`, else of `ipam.addresses` and CNI_ARGS `IP`
 * together, to the latter of which CNI_ARGS `GATEWAY` gives gateways.
 * @throws CniError code 7
 */
export function parseStaticConfig(conf: NetConf, attachment: Attachment): StaticConfig {
  const ipam = conf.fields.object('ipam') ?? conf.fields.missing('ipam');
  const ips = parseIps(conf, ipam, attachment);
  if (ips.length === 0) throw withoutAddress();
  refuseTwins(ips);
  if (!isAtLeast(conf.cniVersion, '0.3.0')) refuseSecondOfFamily(ips, conf.cniVersion);
  return { ips, routes: ipam.array('routes', parseRoute) ?? [], dns: parseDns(ipam.object('dns')) };
}

function parseIps({ fields }: NetConf, ipam: Fields, attachment: Attachment): readonly ResultIp[] {
  // All are read, whichever is in force: what nobody could understand is refused wherever it stands.
  const configured = ipam.array('addresses', parseAddressEntry) ?? [];
  const gateways = parseList(attachment, 'GATEWAY', parseAddress, 'IP addresses');
  const fromEnvironment = parseList(attachment, 'IP', parseCidr, shape).map((address) =>
    withGateway(address, gateways),
  );
  const fromArgs = parseBare(fields.object('args')?.object('cni'));
  const fromRuntime = parseBare(fields.object('runtimeConfig'));
  const overriding = [fromRuntime, fromArgs].find((ips) => ips.length > 0);
  return overriding ?? [...configured, ...fromEnvironment];
}

const shape = 'an address with the length of its prefix such as 10.1.0.2/24';

function parseAddressEntry(item: unknown, path: string): ResultIp {
  const fields = new Fields(item, path);
  const address = fields.parsed('address', shape, parseCidr) ?? fields.missing('address');
  const gateway = fields.parsed('gateway', 'an IP address', parseAddress);
  if (gateway === undefined) return { address };
  if (gateway.family === address.address.family) return { address, gateway };
  throw unexpected(
    fields.at('gateway'),
    `an IPv${address.address.family} address, as ${formatCidr(address)} is`,
    formatAddress(gateway),
  );
}

function parseBare(fields: Fields | undefined): readonly ResultIp[] {
  const texts = fields?.array('ips', parseBareEntry) ?? [];
  return texts.map((address) => ({ address }));
}

function parseBareEntry(item: unknown, path: string): Cidr {
  const address = typeof item === 'string' ? parseCidr(item) : undefined;
  if (address === undefined) throw unexpected(path, shape, item);
  return address;
}

/** A comma-separated list of CNI_ARGS. */
function parseList<T>(
  { args }: Attachment,
  key: string,
  parse: (text: string) => T | undefined,
  expected: string,
): readonly T[] {
  const list = [...args].find(([name]) => name.toUpperCase() === key)?.[1] ?? '';
  const texts = list === '' ? [] : list.split(',');
  return texts.map((text) => {
    const value = parse(text.trim());
    if (value === undefined) throw unexpected(`CNI_ARGS ${key}`, expected, list);
    return value;
  });
}

/** The last gateway that lies in the address's network is its own. */
function withGateway(address: Cidr, gateways: readonly IpAddress[]): ResultIp {
  const gateway = gateways.findLast((each) => cidrContains(address, each));
  return gateway === undefined ? { address } : { address, gateway };
}

function withoutAddress(): CniError {
  return new CniError(
    ErrorCode.invalidConfig,
    'ipam.addresses: there is no address; give one here, by runtimeConfig.ips (capability "ips"), args.cni.ips or CNI_ARGS IP',
  );
}

function refuseTwins(ips: readonly ResultIp[]): void {
  const texts = ips.map(({ address }) => formatAddress(address.address));
  const twin = texts.find((text, at) => texts.indexOf(text) !== at);
  if (twin === undefined) return;
  throw new CniError(ErrorCode.invalidConfig, `ipam.addresses: ${twin} is given twice; give it once`);
}

/** Results before 0.3.0 have room for one address of each family. */
function refuseSecondOfFamily(ips: readonly ResultIp[], version: SpecVersion): void {
  const families = ips.map(({ address }) => address.address.family);
  if (new Set(families).size === families.length) return;
  throw new CniError(
    ErrorCode.invalidConfig,
    `ipam.addresses: a result of cniVersion ${version} holds one address of each family; use 0.3.1 or later for more`,
  );
}
