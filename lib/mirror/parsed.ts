import { CniError } from '../errors/cni-error.ts';

/** What others have written may be anything: what cannot be read is nothing. */
export function parsedOrUndefined<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof CniError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
