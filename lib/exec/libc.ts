/** What a function of libc takes and returns, in the words of `node:ffi`. */
export type Signature = { readonly return: string; readonly arguments: readonly string[] };

/**
 * Functions of libc that Node does not offer, as the caller types them. The module is looked up here and not on import:
 * to load it takes 2 ms, and most calls of the executables need none of it.
 */
export function loadLibc<Functions>(
  signatures: Readonly<Record<keyof Functions & string, Signature>>,
): Functions {
  const { dlopen } = process.getBuiltinModule('node:ffi');
  return dlopen(null, signatures).functions as unknown as Functions;
}

/** The number at an address in memory. */
export function readInt32(address: bigint): number {
  return process.getBuiltinModule('node:ffi').getInt32(address);
}
