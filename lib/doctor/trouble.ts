import { ErrorCode, toCniError } from '../errors/cni-error.ts';

/** Why a file says nothing: it may not be read, which another user may do, or it is not understood. */
export type Trouble = { readonly kind: 'unreadable' | 'nonsense'; readonly because: string };

export function toTrouble(error: unknown): Trouble {
  const { code, message } = toCniError(error);
  return { kind: code === ErrorCode.ioFailure ? 'unreadable' : 'nonsense', because: message };
}
