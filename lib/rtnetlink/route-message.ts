import type { IpAddress } from '../net/address.ts';
import type { Cidr } from '../net/cidr.ts';
import { encodeAttribute, encodeUnmarkedNest, type NetlinkRequest, netlinkFlag } from '../netlink/message.ts';
import { toOctets, toUint32 } from '../netlink/values.ts';
import { familyNumber } from './family.ts';

/** RTM_NEWROUTE and RTM_DELROUTE of linux/rtnetlink.h. */
const command = { add: 24, delete: 25 } as const;
/** RTA_…, and RTAX_… of what is below its metrics. */
const attribute = { dst: 1, link: 4, gateway: 5, priority: 6, source: 7, metrics: 8, table: 15 } as const;
const metricAttribute = { mtu: 2, advmss: 8 } as const;
const onLinkFlag = 4;
const mainTable = 254;
/** What fits into the header's own field. */
const largestHeaderTable = 255;

/** RTN_…; one that is to go may be of any type. */
export const routeType = { any: 0, unicast: 1, blackhole: 6 } as const;

/** RTPROT_BOOT, which `ip` gives where it is told nothing. */
export const bootProtocol = 3;

/** What `ip route` is told to do; without a flag the new route comes before others to its destination. */
const actions = {
  prepend: { type: command.add, flags: netlinkFlag.create },
  add: { type: command.add, flags: netlinkFlag.create | netlinkFlag.exclusive },
  replace: { type: command.add, flags: netlinkFlag.create | netlinkFlag.replace },
  delete: { type: command.delete, flags: 0 },
} as const;

/** A verb of `ip route`. */
export type RouteAction = keyof typeof actions;

/** A route in the kernel's numbers. */
export type RouteNumbers = {
  readonly dst: Cidr;
  readonly type: number;
  readonly scope: number;
  readonly protocol: number;
  readonly isOnLink?: boolean;
  /** The main one where absent. */
  readonly table?: number | undefined;
  readonly gateway?: IpAddress | undefined;
  readonly source?: IpAddress | undefined;
  readonly priority?: number | undefined;
  /** Of the link. */
  readonly index?: number;
  readonly mtu?: number | undefined;
  readonly advmss?: number | undefined;
};

/** What is to be done with a route. */
export function routeMessage(action: RouteAction, route: RouteNumbers): NetlinkRequest {
  const { dst, gateway, source, priority, table, index } = route;
  const { type, flags } = actions[action];
  const attributes = [
    encodeAttribute(attribute.dst, toOctets(dst.address)),
    ...encodeEach(attribute.gateway, gateway, toOctets),
    ...encodeEach(attribute.source, source, toOctets),
    ...encodeEach(attribute.priority, priority, toUint32),
    ...encodeEach(attribute.table, isLong(table) ? table : undefined, toUint32),
    ...encodeEach(attribute.link, index, toUint32),
    ...metrics(route),
  ];
  return {
    type,
    flags: netlinkFlag.request | netlinkFlag.ack | flags,
    body: Buffer.concat([header(route), ...attributes]),
  };
}

/** `struct rtmsg`. */
function header(route: RouteNumbers): Buffer {
  const { dst, type, scope, protocol, isOnLink = false, table = mainTable } = route;
  const family = familyNumber[dst.address.family];
  const tableField = isLong(table) ? 0 : table;
  const flags = isOnLink ? onLinkFlag : 0;
  return Buffer.from([family, dst.prefixLength, 0, 0, tableField, protocol, scope, type, flags, 0, 0, 0]);
}

function metrics({ mtu, advmss }: RouteNumbers): readonly Buffer[] {
  const found = [
    ...encodeEach(metricAttribute.mtu, mtu, toUint32),
    ...encodeEach(metricAttribute.advmss, advmss, toUint32),
  ];
  return found.length === 0 ? [] : [encodeUnmarkedNest(attribute.metrics, ...found)];
}

function isLong(table: number | undefined): boolean {
  return table !== undefined && table > largestHeaderTable;
}

function encodeEach<T>(type: number, value: T | undefined, toBytes: (value: T) => Buffer): readonly Buffer[] {
  return value === undefined ? [] : [encodeAttribute(type, toBytes(value))];
}
