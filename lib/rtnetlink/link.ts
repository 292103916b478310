import type { IfName } from '../net/ifname.ts';
import type { Mac } from '../net/mac.ts';
import { encodeAttribute, type NetlinkRequest, netlinkFlag } from '../netlink/message.ts';
import { toMacOctets, toTerminated, toUint32 } from '../netlink/values.ts';
import type { IpOperation } from '../plan/operation.ts';
import { encodeLinkHeader, encodeLinkInfo, linkAttribute, linkCommand, linkMessage } from './link-message.ts';
import type { Numbers } from './numbers.ts';

type Encoded<Kind extends IpOperation['kind']> = Extract<IpOperation, { kind: Kind }>;

/** VETH_INFO_PEER of linux/veth.h. */
const peerAttribute = 1;

/** Makes a veth pair; undefined where the namespace of its peer is not there. */
export function addVeth(operation: Encoded<'add-veth'>, numbers: Numbers): NetlinkRequest | undefined {
  const { name, mac, mtu, group, peer } = operation;
  const netns = peer.netns === undefined ? undefined : numbers.netnsOf(peer.netns);
  if (peer.netns !== undefined && netns === undefined) return undefined;
  const peerSettings = [
    ...settings(mtu, peer.mac),
    ...number(linkAttribute.netnsFd, netns),
    nameOf(peer.name),
  ];
  const farEnd = Buffer.concat([encodeLinkHeader({ index: 0 }), ...peerSettings]);
  return creation(
    ...settings(mtu, mac),
    ...number(linkAttribute.group, group),
    nameOf(name),
    encodeLinkInfo('veth', { data: encodeAttribute(peerAttribute, farEnd) }),
  );
}

/** Makes an IFB device. */
export function addIfb({ name, mac, mtu }: Encoded<'add-ifb'>): NetlinkRequest {
  return creation(...settings(mtu, mac), nameOf(name), encodeLinkInfo('ifb'));
}

/** Removes the link of a number. */
export function deleteLink(index: number): NetlinkRequest {
  return linkMessage(linkCommand.delete, { index });
}

/** Refused where there is a link of that name. */
function creation(...attributes: readonly Buffer[]): NetlinkRequest {
  const { flags, ...message } = linkMessage(linkCommand.set, { index: 0 }, ...attributes);
  return { ...message, flags: flags | netlinkFlag.create | netlinkFlag.exclusive };
}

function settings(mtu: number, mac: Mac): readonly Buffer[] {
  return [...number(linkAttribute.mtu, mtu), encodeAttribute(linkAttribute.mac, toMacOctets(mac))];
}

function nameOf(name: IfName): Buffer {
  return encodeAttribute(linkAttribute.name, toTerminated(name));
}

function number(type: number, value: number | undefined): readonly Buffer[] {
  return value === undefined ? [] : [encodeAttribute(type, toUint32(value))];
}
