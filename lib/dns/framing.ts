/** A message as it goes over TCP: after its length in two octets (RFC 1035, section 4.2.2), in one piece (RFC 7766, section 8). */
export function frameMessage(message: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(message.length + 2);
  framed.writeUInt16BE(message.length, 0);
  framed.set(message, 2);
  return framed;
}

/**
 * Cuts what comes over TCP into messages: each call takes the next chunk and returns the messages that it completes.
 * @throws RangeError at a message that is longer than `longest`, after which nothing more can be read
 */
export function createFramer(longest: number): (chunk: Buffer) => readonly Buffer[] {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const messages: Buffer[] = [];
    while (rest.length >= 2) {
      const length = rest.readUInt16BE(0);
      if (length > longest)
        throw new RangeError(`a message of ${length} octets, where ${longest} are the most`);
      if (rest.length < length + 2) break;
      messages.push(rest.subarray(2, length + 2));
      rest = rest.subarray(length + 2);
    }
    return messages;
  };
}
