/**
 * The two messages of `grpc.health.v1.Health/Check` by hand: `HealthCheckRequest { string service = 1; }` and
 * `HealthCheckResponse { ServingStatus status = 1; }`. A protobuf library for two fields would be a dependency for
 * nothing.
 */

/** Names of ServingStatus by number. */
export const servingStatuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;

/** One octet that says whether the message is compressed, four of its length (gRPC over HTTP/2, "Requests"). */
const prefixLength = 5;

const wireVarint = 0;
const wireFixed64 = 1;
const wireBytes = 2;
const wireFixed32 = 5;

/** The framed request; the proto3 default "" is not written. */
export function encodeCheckRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const field = service === '' ? [] : [(1 << 3) | wireBytes, ...encodeVarint(name.length), ...name];
  const framed = Buffer.alloc(prefixLength + field.length);
  framed.writeUInt32BE(field.length, 1);
  framed.set(field, prefixLength);
  return framed;
}

/**
 * The status in a framed response; its number's name, or the number where it has none.
 * @throws Error that says what is wrong with the message
 */
export function decodeCheckResponse(framed: Buffer): string {
  if (framed.length < prefixLength) throw new Error('the answer holds no message');
  if (framed[0] !== 0) throw new Error('the answer is compressed, which was not offered');
  const end = prefixLength + framed.readUInt32BE(1);
  if (framed.length < end) throw new Error('the message is cut short');
  const status = decodeStatus(framed.subarray(prefixLength, end));
  return servingStatuses[status] ?? String(status);
}

function decodeStatus(message: Buffer): number {
  let status = 0;
  for (let at = 0; at < message.length; ) {
    const [tag, afterTag] = decodeVarint(message, at);
    const wire = tag & 7;
    const [value, next] = wire === wireVarint ? decodeVarint(message, afterTag) : [0, afterTag];
    if (tag === ((1 << 3) | wireVarint)) status = value;
    at = wire === wireVarint ? next : skip(message, wire, afterTag);
  }
  return status;
}

/** Where a field ends that is none of ours. */
function skip(message: Buffer, wire: number, at: number): number {
  if (wire === wireFixed64) return at + 8;
  if (wire === wireFixed32) return at + 4;
  if (wire !== wireBytes) throw new Error(`the message has a field of the unknown wire type ${wire}`);
  const [length, next] = decodeVarint(message, at);
  return next + length;
}

function encodeVarint(value: number): readonly number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...encodeVarint(value >>> 7)];
}

/** Ten octets at most; numbers beyond 2^53 lose their last digits, and no status is so large. */
function decodeVarint(message: Buffer, at: number): readonly [number, number] {
  let value = 0;
  for (let index = 0; index < 10; index++) {
    const octet = message[at + index];
    if (octet === undefined) break;
    value += (octet & 0x7f) * 2 ** (7 * index);
    if (octet < 0x80) return [value, at + index + 1];
  }
  throw new Error('the message holds a number without end');
}
