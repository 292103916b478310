/** The part of `node:ffi` that reads memory, which the description of the calls leaves out. */
declare module 'node:ffi' {
  export function getInt32(pointer: bigint): number;
}
