import { networkInterfaces } from 'node:os';
import { CniError, ErrorCode } from '../../errors/cni-error.ts';
import { type Inquiry, inquire } from '../../exec/inquiry.ts';
import type { Machine } from '../../exec/machine.ts';
import { linkInquiry } from '../../exec/observe.ts';
import type { Link } from '../../iproute/parse.ts';
import { type Family, formatAddress, type IpAddress, isSameAddress } from '../../net/address.ts';
import { cidrContains, networkOf, parseCidr } from '../../net/cidr.ts';
import { type IfName, parseIfName } from '../../net/ifname.ts';
import type { Outer } from './outer-link.ts';
import type { OuterWish } from './outer-wish.ts';

/**
 * The interface that is named, or has the public address that is named, or has the default route.
 * @throws CniError code 7 where there is none, or it has not the address
 */
export function observeOuter(wish: OuterWish, machine: Machine): Outer {
  return inquire(outerInquiry(wish, machine), machine.run);
}

/** The same for whoever has other work to do meanwhile. @throws CniError code 7 as there */
export function* outerInquiry(wish: OuterWish, machine: Pick<Machine, 'readProc'>): Inquiry<Outer> {
  const name = wish.interface ?? interfaceWith(wish.publicAddresses) ?? interfaceOfDefaultRoute(machine);
  if (name === undefined)
    throw refused('this host has no default route: name the interface by which the other hosts are reached');
  const link = yield* linkInquiry(machine, name);
  if (link === undefined) throw refused(`there is no interface ${name}`);
  return {
    name,
    mtu: link.mtu,
    networks: link.addresses.map(networkOf),
    publicAddresses: publicAddressesOf(link, wish.publicAddresses),
  };
}

function interfaceWith(wanted: OuterWish['publicAddresses']): IfName | undefined {
  const texts = Object.values(wanted).map(formatAddress);
  const found = Object.entries(networkInterfaces()).find(([, addresses = []]) =>
    addresses.some(({ address }) => texts.includes(address)),
  );
  return found === undefined ? undefined : parseIfName(found[0]);
}

/** By procfs, which costs no process: IPv4's default route before IPv6's. */
function interfaceOfDefaultRoute({ readProc }: Pick<Machine, 'readProc'>): IfName | undefined {
  const zero = '0'.repeat(32);
  const v4 = rowsOf(readProc('/proc/net/route')).find(
    ([, destination, , , , , , mask]) => destination === '00000000' && mask === '00000000',
  );
  const v6 = rowsOf(readProc('/proc/net/ipv6_route')).find(
    (columns) => columns[0] === zero && columns[1] === '00' && columns.at(-1) !== 'lo',
  );
  return parseIfName(v4?.[0] ?? v6?.at(-1) ?? '');
}

function rowsOf(table: string | undefined): readonly (readonly string[])[] {
  return (table ?? '').split('\n').map((line) => line.trim().split(/\s+/));
}

const linkLocal = { 4: parseCidr('169.254.0.0/16'), 6: parseCidr('fe80::/10') } as const;

function publicAddressesOf(link: Link, wanted: OuterWish['publicAddresses']): Outer['publicAddresses'] {
  const own = link.addresses.map(({ address }) => address);
  for (const address of Object.values(wanted)) {
    if (own.some((each) => isSameAddress(each, address))) continue;
    throw refused(`${link.name} has not the public address ${formatAddress(address)}`);
  }
  const first = (family: Family) =>
    wanted[family] ?? own.find((address) => address.family === family && !isLinkLocal(address));
  const [v4, v6] = [first(4), first(6)];
  return { ...(v4 === undefined ? {} : { 4: v4 }), ...(v6 === undefined ? {} : { 6: v6 }) };
}

function isLinkLocal(address: IpAddress): boolean {
  const range = linkLocal[address.family];
  return range !== undefined && cidrContains(range, address);
}

function refused(what: string): CniError {
  return new CniError(ErrorCode.invalidConfig, `the underlay: ${what}`);
}
