/** The part of Node 26's `node:ffi` that is used here; @types/node does not describe the module yet. */
declare module 'node:ffi' {
  export function dlopen(
    path: string | null,
    symbols: Record<string, { return: string; arguments: readonly string[] }>,
  ): { functions: Record<string, (...args: number[]) => number> };
  export function getInt32(pointer: bigint): number;
}
