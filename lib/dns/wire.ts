/** Record types that are known here by name (IANA, "Resource Record (RR) TYPEs"). */
export const RecordType = {
  A: 1,
  NS: 2,
  SOA: 6,
  PTR: 12,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

/** Classes (RFC 1035, section 3.2.4). */
export const RecordClass = { IN: 1, ANY: 255 } as const;

/** How a query ended (RFC 1035, section 4.1.1; RFC 6891, section 9 for 16, which needs an OPT record). */
export const Rcode = {
  noError: 0,
  formErr: 1,
  servFail: 2,
  nxDomain: 3,
  notImp: 4,
  refused: 5,
  badVers: 16,
} as const;

export type RcodeName = keyof typeof Rcode;

/** Bits of the header's second word (RFC 1035, section 4.1.1; RFC 4035, sections 3.1.6 and 3.2.3, for the last two). */
export const Flag = {
  response: 0x8000,
  opcode: 0x7800,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
  authenticData: 0x0020,
  checkingDisabled: 0x0010,
} as const;

/** Where the header's words stand. */
export const HeaderOffset = {
  id: 0,
  flags: 2,
  questions: 4,
  answers: 6,
  authority: 8,
  additional: 10,
} as const;

/** Octets of a header. */
export const headerLength = 12;

/** DO in the flags of an OPT record (RFC 6891, section 6.1.4). */
export const dnssecOk = 0x8000;

/** Octets of an answer over UDP to those who say nothing of their size (RFC 1035, section 4.2.1). */
export const plainUdpLimit = 512;

/** Octets of an answer over UDP at most: what passes every path without fragments (DNS flag day 2020). */
export const ednsUdpLimit = 1232;

/** Octets of a query at most that is read: a name, an OPT record with all options that are in use, and much room. */
export const longestQuery = 4096;

/** Octets of a message over TCP at most, whose length is written in two of them. */
export const tcpLimit = 65_535;

/** Whether a flag of a message is set, which has a whole header. */
export function hasFlag(packet: Buffer, flag: number): boolean {
  return (packet.readUInt16BE(HeaderOffset.flags) & flag) !== 0;
}
