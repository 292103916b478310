import type { Family, IpAddress } from '../net/address.ts';
import {
  encodeAttribute,
  encodeNest,
  findAttribute,
  type NetlinkMessage,
  type NetlinkRequest,
  netlinkFlag,
} from '../netlink/message.ts';
import { decodeNetfilter, netfilterRequest } from '../netlink/netfilter.ts';
import { toOctets, toUint32 } from '../netlink/values.ts';
import type { Flow } from '../plan/flow.ts';

/** An entry of the table: the attributes that name it and no other, as the kernel has sent them. */
export type ConntrackEntry = {
  readonly family: number;
  readonly tuple: Buffer;
  readonly id: Buffer | undefined;
  readonly zone: Buffer | undefined;
};

/** Commands and attributes of linux/netfilter/nfnetlink_conntrack.h. */
const command = { get: 1, delete: 2 } as const;
const entryAttribute = { originalTuple: 1, id: 12, zone: 18, filter: 25 } as const;
const tupleAttribute = { ip: 1, proto: 2 } as const;
const destinationAttribute: Readonly<Record<Family, number>> = { 4: 2, 6: 4 };
const protoAttribute = { number: 1, destinationPort: 3 } as const;
const filterAttribute = { originalFlags: 1 } as const;
/** The bits of a filter's flags: which fields of the tuple must match. */
const filterFlag = { destinationAddress: 1 << 1, protocol: 1 << 3, destinationPort: 1 << 5 } as const;

const addressFamily: Readonly<Record<Family, number>> = { 4: 2, 6: 10 };
const everyFamily = 0;
const nothing = Buffer.alloc(0);
const protocolNumber: Readonly<Record<Flow['protocol'], number>> = { tcp: 6, udp: 17, sctp: 132 };

/**
 * Asks for the entries of flows, narrowed by the kernel to what the flows have in common: from Linux 5.8 on to protocol,
 * port and address; an older kernel heeds the family alone, and none narrows without a family.
 */
export function entriesRequest(flows: readonly Flow[]): NetlinkRequest {
  return dumpRequest(flows, narrowing(flows));
}

/** The same, narrowed to the family alone. */
export function allEntriesRequest(flows: readonly Flow[]): NetlinkRequest {
  return dumpRequest(flows, []);
}

/** The entry in an answer, with memory of its own, where it is of one of the flows. */
export function matchingEntry(answer: NetlinkMessage, flows: readonly Flow[]): ConntrackEntry | undefined {
  const { family, attributes } = decodeNetfilter(answer);
  const tuple = findAttribute(attributes, entryAttribute.originalTuple);
  if (tuple === undefined || !isOfFlows(tuple, family, flows)) return undefined;
  const own = (type: number) => {
    const payload = findAttribute(attributes, type);
    return payload === undefined ? undefined : Buffer.from(payload);
  };
  return {
    family,
    tuple: Buffer.from(tuple),
    id: own(entryAttribute.id),
    zone: own(entryAttribute.zone),
  };
}

/**
 * Deletes exactly one entry. Without a tuple the same command would empty the table; the id keeps a new connection of
 * the same tuple out of it.
 */
export function deleteRequest({ family, tuple, id, zone }: ConntrackEntry): NetlinkRequest {
  return netfilterRequest('conntrack', command.delete, {
    flags: netlinkFlag.ack,
    family,
    attributes: [
      encodeNest(entryAttribute.originalTuple, tuple),
      ...(zone === undefined ? [] : [encodeAttribute(entryAttribute.zone, zone)]),
      ...(id === undefined ? [] : [encodeAttribute(entryAttribute.id, id)]),
    ],
  });
}

function dumpRequest(flows: readonly Flow[], attributes: readonly Buffer[]): NetlinkRequest {
  const family = common(flows.map((flow) => addressFamily[flow.family])) ?? everyFamily;
  return netfilterRequest('conntrack', command.get, { flags: netlinkFlag.dump, family, attributes });
}

/** What all have in common; undefined where they differ. */
function common<T>([first, ...others]: readonly T[]): T | undefined {
  return others.every((other) => other === first) ? first : undefined;
}

/** Nothing where not even family and protocol are the same. */
function narrowing(flows: readonly Flow[]): readonly Buffer[] {
  const family = common(flows.map((flow) => flow.family));
  const protocol = common(flows.map((flow) => protocolNumber[flow.protocol]));
  if (family === undefined || protocol === undefined) return [];
  const port = common(flows.map((flow) => flow.port));
  const address = flows.length === 1 ? flows[0]?.address : undefined;
  const flags =
    filterFlag.protocol |
    (port === undefined ? 0 : filterFlag.destinationPort) |
    (address === undefined ? 0 : filterFlag.destinationAddress);
  return [
    encodeNest(entryAttribute.originalTuple, encodeDestination(address), encodeProtocol(protocol, port)),
    encodeNest(entryAttribute.filter, encodeAttribute(filterAttribute.originalFlags, toUint32(flags))),
  ];
}

function encodeDestination(address: IpAddress | undefined): Buffer {
  if (address === undefined) return encodeNest(tupleAttribute.ip);
  return encodeNest(
    tupleAttribute.ip,
    encodeAttribute(destinationAttribute[address.family], toOctets(address)),
  );
}

function encodeProtocol(protocol: number, port: number | undefined): Buffer {
  const number = encodeAttribute(protoAttribute.number, Buffer.from([protocol]));
  if (port === undefined) return encodeNest(tupleAttribute.proto, number);
  return encodeNest(
    tupleAttribute.proto,
    number,
    encodeAttribute(protoAttribute.destinationPort, toPort(port)),
  );
}

function isOfFlows(tuple: Buffer, family: number, flows: readonly Flow[]): boolean {
  const proto = findAttribute(tuple, tupleAttribute.proto) ?? nothing;
  const protocol = findAttribute(proto, protoAttribute.number)?.[0];
  const port = findAttribute(proto, protoAttribute.destinationPort);
  if (port?.length !== 2) return false;
  return flows.some(
    (flow) =>
      flow.port === port.readUInt16BE(0) &&
      protocolNumber[flow.protocol] === protocol &&
      addressFamily[flow.family] === family &&
      isTo(flow, tuple),
  );
}

function isTo({ address }: Flow, tuple: Buffer): boolean {
  if (address === undefined) return true;
  const ip = findAttribute(tuple, tupleAttribute.ip) ?? nothing;
  return findAttribute(ip, destinationAttribute[address.family])?.equals(toOctets(address)) === true;
}

/** In network order. */
function toPort(port: number): Buffer {
  return Buffer.from([port >> 8, port & 0xff]);
}
