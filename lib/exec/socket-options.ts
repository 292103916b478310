/** SOL_SOCKET of asm-generic/socket.h. */
export const socketLevel = 1;

/** SO_PEERCRED, SO_RCVTIMEO and SO_SNDTIMEO of asm-generic/socket.h. */
export const socketOption = { peerCredentials: 17, receiveTimeout: 20, sendTimeout: 21 } as const;

/** `struct timeval` of a 64-bit system: seconds and microseconds. */
export function toTimeval(limitMs: number): Buffer {
  const time = Buffer.alloc(16);
  time.writeBigInt64LE(BigInt(Math.trunc(limitMs / 1000)), 0);
  time.writeBigInt64LE(BigInt(Math.trunc((limitMs % 1000) * 1000)), 8);
  return time;
}
