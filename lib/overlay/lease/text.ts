import { Fields, unexpected } from '../../cni/fields.ts';
import { parseJson } from '../../cni/json.ts';
import { messageOf } from '../../errors/cni-error.ts';
import { type Family, formatAddress } from '../../net/address.ts';
import { type Cidr, formatCidr, networkOf } from '../../net/cidr.ts';
import { parseMac } from '../../net/mac.ts';
import { byFamily } from './by-family.ts';
import type { Endpoint, SubnetLease, Subnets } from './lease.ts';
import { parseSubnetName, renderSubnetName } from './name.ts';
import { parsePublicAddress } from './public-address.ts';

/** What is wrong with a lease, for the log. */
export type LeaseProblem = { readonly problem: string };

/** The last part of a lease's key, and its value as Flannel writes it; our `Node` is passed over by Flannel's decoder. */
export function renderLease({ endpoints, node }: Omit<SubnetLease, 'name'>): { name: string; value: string } {
  const { 4: v4, 6: v6 } = endpoints;
  const value = {
    // Flannel's decoder takes no null here.
    PublicIP: v4 === undefined ? '0.0.0.0' : formatAddress(v4.publicAddress),
    PublicIPv6: v6 === undefined ? null : formatAddress(v6.publicAddress),
    BackendType: 'vxlan',
    BackendData: renderBackendData(v4),
    BackendV6Data: renderBackendData(v6),
    Node: node,
  };
  const name = renderSubnetName(byFamily((family) => endpoints[family]?.subnet));
  return { name, value: JSON.stringify(value) };
}

function renderBackendData(endpoint: Endpoint | undefined): object | undefined {
  return endpoint === undefined ? undefined : { VNI: endpoint.vni, VtepMAC: endpoint.vtepMac };
}

/**
 * The lease of a key below `<prefix>/subnets/`. It comes from the network: whatever it holds, nothing is thrown.
 * @param name the last part of the key
 */
export function parseLease(name: string, value: string): SubnetLease | LeaseProblem {
  try {
    return parseHostLease(name, value);
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

function parseHostLease(name: string, value: string): SubnetLease {
  const subnets = parseNetworks(name);
  const fields = new Fields(parseJson(value, 'the value'), 'the value');
  const type = fields.string('BackendType');
  if (type !== 'vxlan') throw unexpected(fields.at('BackendType'), '"vxlan"', type);
  const endpoints = byFamily((family) => {
    const subnet = subnets[family];
    return subnet === undefined ? undefined : parseEndpoint(fields, subnet);
  });
  return { name, endpoints, node: parseNode(fields) };
}

/**
 * The subnets that a key's name stands for, each without host bits.
 * @throws CniError code 7 where it stands for none
 */
export function parseNetworks(name: string): Subnets {
  const expected = 'a subnet such as 10.5.34.0-24 or 10.5.34.0-24&fd00:5:0:1::-64';
  const subnets = parseSubnetName(name);
  if (subnets === undefined) throw unexpected('the key', expected, name);
  const withHostBits = Object.values(subnets).find((cidr) => !isNetwork(cidr));
  if (withHostBits === undefined) return subnets;
  throw unexpected('the key', `${formatCidr(networkOf(withHostBits))} without host bits`, name);
}

function isNetwork(cidr: Cidr): boolean {
  return networkOf(cidr).address.bits === cidr.address.bits;
}

const dataNames: Readonly<Record<Family, string>> = { 4: 'BackendData', 6: 'BackendV6Data' };
const addressNames: Readonly<Record<Family, string>> = { 4: 'PublicIP', 6: 'PublicIPv6' };

function parseEndpoint(fields: Fields, subnet: Cidr): Endpoint {
  const { family } = subnet.address;
  const data = fields.object(dataNames[family]) ?? fields.missing(dataNames[family]);
  return {
    subnet,
    publicAddress: parsePublicAddress(fields, family) ?? fields.missing(addressNames[family]),
    // Old versions of Flannel do not tell it.
    vni: data.integer('VNI', { min: 0, max: 0xff_ff_ff }) ?? 1,
    vtepMac: data.parsed('VtepMAC', 'a unicast MAC', parseMac) ?? data.missing('VtepMAC'),
  };
}

/**
 * The id of a machine, where the value has one.
 * @throws CniError code 7 where it is none
 */
export function parseNode(fields: Fields): string | undefined {
  return fields.parsed('Node', 'the id of a machine', (text) =>
    /^[\x21-\x7e]{1,64}$/.test(text) ? text : undefined,
  );
}
