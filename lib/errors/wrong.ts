import { CniError, ErrorCode } from './cni-error.ts';

/** What CHECK has found that is not as ADD left it. */
export function wrong(what: string): CniError {
  return new CniError(ErrorCode.internal, `${what}; DEL and ADD the container again`);
}
