import { CniError, ErrorCode, inContext } from '../../errors/cni-error.ts';
import { addressAfter, type Family, widthOf } from '../../net/address.ts';
import { type Cidr, formatCidr, networkAddress, networkOf, parseCidr } from '../../net/cidr.ts';
import { type IfName, parseIfName } from '../../net/ifname.ts';
import type { OverlayMode } from '../kernel/plane.ts';
import { type ByFamily, byFamily } from '../lease/by-family.ts';
import type { Subnets } from '../lease/lease.ts';
import { Variables } from './subnet-env-variables.ts';

/** What a host has of an overlay, as flanneld and the agent write it into a file of variables. */
export type SubnetEnv = {
  /** The whole overlay, for each family that has a subnet; several networks where Flannel was told several. */
  readonly networks: ByFamily<readonly Cidr[]>;
  /** This host's part, without host bits; at least one. */
  readonly subnets: Subnets;
  /** Bytes that a container's packet may have. */
  readonly mtu: number | undefined;
  /** Whether the writer of the file masquerades what leaves the overlay. */
  readonly ipMasq: boolean;
  /** What follows is in no file of flanneld's. */
  readonly mode: OverlayMode;
  /** The VXLAN devices. */
  readonly devices: ByFamily<IfName>;
  /** The boot of the machine in which the file was written. */
  readonly bootId: string | undefined;
  /** When the lease ends unless it is renewed, in seconds since that boot; undefined for one that does not end. */
  readonly leaseUntilSeconds: number | undefined;
};

/** When a file is judged. */
export type Moment = {
  readonly bootId: string;
  /** As /proc/uptime has them: with those for which the machine was suspended. */
  readonly uptimeSeconds: number;
};

/** Whether the host still has what the file says; a file of flanneld's always says so. */
export function isCurrent({ bootId, leaseUntilSeconds }: SubnetEnv, moment: Moment): boolean {
  if (bootId !== undefined && bootId !== moment.bootId) return false;
  return leaseUntilSeconds === undefined || moment.uptimeSeconds < leaseUntilSeconds;
}

const families: readonly Family[] = [4, 6];

const names = {
  4: { network: 'FLANNEL_NETWORK', subnet: 'FLANNEL_SUBNET', device: 'FAIRLEAD_DEVICE' },
  6: { network: 'FLANNEL_IPV6_NETWORK', subnet: 'FLANNEL_IPV6_SUBNET', device: 'FAIRLEAD_IPV6_DEVICE' },
} as const;

/** The file's text with the lines in Flannel's order; readers of Flannel's file pass over those that are ours. */
export function renderSubnetEnv(env: SubnetEnv): string {
  const { leaseUntilSeconds: until } = env;
  const lines: readonly (readonly [string, string | number | boolean | undefined])[] = [
    ...families.flatMap((family) => renderFamily(env, family)),
    ['FLANNEL_MTU', env.mtu],
    ['FLANNEL_IPMASQ', env.ipMasq],
    ['FAIRLEAD_MODE', env.mode],
    ...families.map((family) => [names[family].device, env.devices[family]] as const),
    ['FAIRLEAD_BOOT_ID', env.bootId],
    ['FAIRLEAD_LEASE_UNTIL', until === undefined ? undefined : Math.floor(until)],
  ];
  return lines.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}\n`])).join('');
}

/** The subnet is written as its first usable address, the gateway's. */
function renderFamily(
  { networks, subnets }: SubnetEnv,
  family: Family,
): readonly [string, string | undefined][] {
  const subnet = subnets[family];
  const first = subnet && { ...subnet, address: addressAfter(networkAddress(subnet)) };
  return [
    [names[family].network, networks[family]?.map(formatCidr).join(',')],
    [names[family].subnet, first && formatCidr(first)],
  ];
}

/**
 * The text of a subnet.env, be it the agent's or flanneld's; variables of others are passed over.
 * @param path for the errors
 * @throws CniError code 7 naming the file and the variable
 */
export function parseSubnetEnv(text: string, path: string): SubnetEnv {
  return inContext(path, () => {
    const variables = new Variables(text);
    return {
      ...parseSubnets(variables),
      mtu: variables.parsed('FLANNEL_MTU', 'a number of bytes', parseMtu),
      ipMasq: variables.parsed('FLANNEL_IPMASQ', 'true or false', parseBoolean) ?? false,
      mode: variables.parsed('FAIRLEAD_MODE', 'l3 or l2', parseMode) ?? 'l3',
      devices: byFamily((family) =>
        variables.parsed(names[family].device, 'the name of an interface', parseIfName),
      ),
      bootId: variables.parsed('FAIRLEAD_BOOT_ID', 'the id of a boot', parseBootId),
      leaseUntilSeconds: variables.parsed('FAIRLEAD_LEASE_UNTIL', 'a number of seconds', parseSeconds),
    };
  });
}

function parseSubnets(variables: Variables): Pick<SubnetEnv, 'networks' | 'subnets'> {
  const subnets = byFamily((family) =>
    variables.parsed(names[family].subnet, `this host's IPv${family} subnet`, (value) =>
      parseSubnet(value, family),
    ),
  );
  if (subnets[4] === undefined && subnets[6] === undefined)
    throw new CniError(ErrorCode.invalidConfig, 'has neither FLANNEL_SUBNET nor FLANNEL_IPV6_SUBNET');
  const networks = byFamily((family) =>
    subnets[family] === undefined ? undefined : parseNetworks(variables, family),
  );
  return { networks, subnets };
}

/** A subnet has room for a gateway and a container beside its own address. */
function parseSubnet(value: string, family: Family): Cidr | undefined {
  const cidr = parseCidr(value);
  const hasRoom = cidr?.address.family === family && cidr.prefixLength <= widthOf(family) - 2;
  return hasRoom ? networkOf(cidr) : undefined;
}

function parseNetworks(variables: Variables, family: Family): readonly Cidr[] {
  const name = names[family].network;
  const networks = variables.parsed(name, `IPv${family} networks, with commas between them`, (value) => {
    const cidrs = value.split(',').map(parseCidr);
    return cidrs.every((cidr) => cidr?.address.family === family) ? cidrs : undefined;
  });
  if (networks === undefined) throw new CniError(ErrorCode.invalidConfig, `${name}: is required and missing`);
  return networks.filter((cidr) => cidr !== undefined).map(networkOf);
}

function parseMtu(value: string): number | undefined {
  return /^[1-9]\d{1,4}$/.test(value) ? Number(value) : undefined;
}

function parseBoolean(value: string): boolean | undefined {
  return value === 'true' ? true : value === 'false' ? false : undefined;
}

function parseMode(value: string): OverlayMode | undefined {
  return value === 'l3' || value === 'l2' ? value : undefined;
}

function parseBootId(value: string): string | undefined {
  return /^[\da-f-]{36}$/.test(value) ? value : undefined;
}

function parseSeconds(value: string): number | undefined {
  return /^\d{1,12}$/.test(value) ? Number(value) : undefined;
}
